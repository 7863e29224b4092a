//! A fleet that another release rendered.

use crate::fleet::TestFleet;

/// Index objects with other names go, without `--force`, and all is as if this
/// release had rendered it from the beginning.
#[test]
fn one_render_moves_index_objects_to_their_new_names() {
    let fleet = TestFleet::rendered();
    let fresh = fleet.outputs();
    fleet.make_older();
    fleet.release("0.0.9");
    let older = "rendered/alpha/elasticsearch/main/_index_template/logs-aws.vpc-alpha.json";
    assert!(fleet.has(older));
    let check = fleet.call(&["render", "--check"]);
    assert_eq!(check.code, 1, "{check}");
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(!fleet.has(older));
    assert!(fleet.outputs() == fresh, "{run}");
    let check = fleet.call(&["render", "--check"]);
    assert_eq!(check.code, 0, "{check}");
}
