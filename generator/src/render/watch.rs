//! Who hears which template is being rendered. Pure.
//!
//! Tera has no budget of steps: a template of a few lines can run for years
//! (loops in loops, a component that calls itself twice). What can be done
//! about that needs a clock, so it is done at the edge, which is reported here.

/// Hears of each rendering of a template, from any thread. A thread renders
/// one template at a time.
pub trait Watch: Sync {
    /// This thread begins with a template for a cluster.
    fn begins(&self, cluster: &str, template: &str);
    /// This thread is done with what it began last.
    fn ends(&self);
}

/// Nobody.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn begins(&self, _cluster: &str, _template: &str) {}
    fn ends(&self) {}
}
