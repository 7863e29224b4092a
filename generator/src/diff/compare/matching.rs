//! Which items of two lists are the same, order being meaning. Pure.

use std::collections::BTreeSet;
use std::hash::Hash;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Items that are matched as well as can be; the time grows with their square.
/// There is no clock in this: a preview is the same on every machine.
const MAX_ITEMS: usize = 1_000;

/// What becomes of the items of a list. Of long lists only the items that both
/// have are looked at, and where still too many of these differ in their
/// order, they are said to be others.
pub(in crate::diff) fn match_items<T: Hash + Ord + Eq>(old: &[T], new: &[T]) -> Vec<DiffOp> {
    if old.len().max(new.len()) <= MAX_ITEMS {
        return capture_diff_slices(Algorithm::Myers, old, new);
    }
    let (in_old, in_new) = (common(old, new), common(new, old));
    let same = |(a, b): &(&usize, &usize)| old[**a] == new[**b];
    let begin = in_old.iter().zip(&in_new).take_while(same).count();
    let (old_rest, new_rest) = (&in_old[begin..], &in_new[begin..]);
    let ends = old_rest.iter().rev().zip(new_rest.iter().rev());
    let end = ends.take_while(same).count();
    let middle = (
        &old_rest[..old_rest.len() - end],
        &new_rest[..new_rest.len() - end],
    );
    let mut pairs: Vec<(usize, usize)> = pairs(&in_old[..begin], &in_new[..begin]);
    pairs.extend(match_few(middle, old, new));
    pairs.extend(self::pairs(
        &old_rest[old_rest.len() - end..],
        &new_rest[new_rest.len() - end..],
    ));
    to_ops(&pairs, old.len(), new.len())
}

/// The numbers of the items that another list has, too.
fn common<T: Ord>(items: &[T], others: &[T]) -> Vec<usize> {
    let others: BTreeSet<&T> = others.iter().collect();
    let numbers = 0..items.len();
    numbers.filter(|at| others.contains(&items[*at])).collect()
}

fn pairs(old: &[usize], new: &[usize]) -> Vec<(usize, usize)> {
    old.iter().copied().zip(new.iter().copied()).collect()
}

/// Matches items of these numbers; none if they are too many.
fn match_few<T: Hash + Ord + Eq>(
    (in_old, in_new): (&[usize], &[usize]),
    old: &[T],
    new: &[T],
) -> Vec<(usize, usize)> {
    if in_old.len().max(in_new.len()) > MAX_ITEMS {
        return Vec::new();
    }
    let of_old: Vec<&T> = in_old.iter().map(|at| &old[*at]).collect();
    let of_new: Vec<&T> = in_new.iter().map(|at| &new[*at]).collect();
    let ops = capture_diff_slices(Algorithm::Myers, &of_old, &of_new).into_iter();
    let equal = ops.filter(|op| matches!(op, DiffOp::Equal { .. }));
    equal
        .flat_map(|op| pairs(&in_old[op.old_range()], &in_new[op.new_range()]))
        .collect()
}

/// As operations: what the pairs match is equal, and what lies between isn't.
fn to_ops(pairs: &[(usize, usize)], old_length: usize, new_length: usize) -> Vec<DiffOp> {
    let mut ops: Vec<DiffOp> = Vec::new();
    let (mut old_index, mut new_index) = (0, 0);
    for (old, new) in pairs.iter().copied().chain([(old_length, new_length)]) {
        let (old_len, new_len) = (old - old_index, new - new_index);
        match (old_len, new_len) {
            (0, 0) => {}
            (_, 0) => ops.push(DiffOp::Delete {
                old_index,
                old_len,
                new_index,
            }),
            (0, _) => ops.push(DiffOp::Insert {
                old_index,
                new_index,
                new_len,
            }),
            _ => ops.push(DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            }),
        }
        if old < old_length {
            match ops.last_mut() {
                Some(DiffOp::Equal { len, .. }) => *len += 1,
                _ => ops.push(DiffOp::Equal {
                    old_index: old,
                    new_index: new,
                    len: 1,
                }),
            }
        }
        (old_index, new_index) = (old + 1, new + 1);
    }
    ops
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is reported for all of the old, and makes all of the new.
    fn rebuilt(old: &[u32], new: &[u32]) -> (usize, Vec<u32>) {
        let mut result = Vec::new();
        let mut reported = 0;
        for op in match_items(old, new) {
            reported += op.old_range().len();
            match op {
                DiffOp::Equal { .. } => result.extend(&old[op.old_range()]),
                _ => result.extend(&new[op.new_range()]),
            }
        }
        (reported, result)
    }

    fn equal(old: &[u32], new: &[u32]) -> usize {
        let ops = match_items(old, new).into_iter();
        let equal = ops.filter(|op| matches!(op, DiffOp::Equal { .. }));
        equal.map(|op| op.old_range().len()).sum()
    }

    #[test]
    fn long_lists_are_matched_by_what_both_have() {
        let old: Vec<u32> = (0..40_000).collect();
        let other: Vec<u32> = (40_000..80_000).collect();
        assert_eq!(equal(&old, &other), 0);
        let mut new = old.clone();
        new.insert(0, 90_000);
        new.insert(20_000, 90_001);
        new.remove(30_000);
        new.push(90_002);
        assert_eq!(equal(&old, &new), old.len() - 1);
        let mut swapped = old.clone();
        swapped.swap(10, 500);
        assert_eq!(equal(&old, &swapped), old.len() - 2);
        let reversed: Vec<u32> = old.iter().rev().copied().collect();
        assert_eq!(rebuilt(&old, &reversed), (old.len(), reversed.clone()));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(
            old in prop::collection::vec(0..3_000_u32, 900..1_200),
            new in prop::collection::vec(0..3_000_u32, 900..1_200),
        ) {
            prop_assert_eq!(rebuilt(&old, &new), (old.len(), new.clone()));
        }
    }
}
