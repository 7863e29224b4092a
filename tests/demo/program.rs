//! What `model` takes for the administrator's password at a played server. None is played here but for its states of
//! indices, to which nobody signs in.

pub const PASSWORD: &str = "not used";
