//! The Kubernetes API server and Flux's source, as the tests against real servers have them.

#[path = "../real/kubernetes/artifact.rs"]
pub mod artifact;
#[path = "../real/kubernetes/controller.rs"]
pub mod controller;
#[path = "../real/kubernetes/object.rs"]
pub mod object;
#[path = "../real/kubernetes/server.rs"]
pub mod server;
