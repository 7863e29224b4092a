//! The sections that stand before the changes, as every format has them. Pure.

mod clusters;
mod inputs;
mod settings;

pub(in crate::diff) use clusters::clusters;
pub(in crate::diff) use inputs::inputs;
pub(in crate::diff) use settings::settings;
