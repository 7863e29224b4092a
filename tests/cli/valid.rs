//! What looks like a mistake and is none. Each case's folder in
//! `tests/cases/valid/` lies over the base fleet.

use crate::fleet::{TestFleet, cases, for_each_case};

#[test]
fn every_case_renders() {
    for_each_case("valid", |name| {
        let fleet = TestFleet::base();
        fleet.overlay(&cases().join("valid").join(name));
        let run = fleet.call(&["render"]);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{run}");
        let again = fleet.gen_changing_nothing(&["render", "--check"]);
        assert_eq!(again.code, 0, "{again}");
    });
}
