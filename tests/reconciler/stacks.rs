//! Stacks: against the emulator of AWS in `tests/real/rigs/aws`, whose CloudFormation is strict, and against a played
//! server for what no emulator knows.

#[path = "../real/aws/emulator.rs"]
mod emulator;
mod failures;
mod faults;
mod fleet;
#[path = "../real/forwarder/http.rs"]
mod http;
mod kept;
mod kills;
mod large;
mod line;
mod played;
mod run;
