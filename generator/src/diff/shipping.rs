//! What clusters ship that come into the fleet: nobody reads a hundred new
//! files to see that a log is missing. Pure.

use super::preview::{LeftOut, NewClusters, Shipment};
use crate::resolve::ResolvedCluster;
use crate::sources::{self, End, EndKind, SourceRow};

/// What one cluster ships.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shipping {
    ships: Vec<Shipment>,
    leaves_out: Vec<LeftOut>,
}

impl Shipping {
    /// That of a cluster, from the list that `gen sources` prints.
    pub(super) fn of(cluster: &ResolvedCluster) -> Self {
        Self::of_rows(&sources::list(cluster))
    }

    fn of_rows(rows: &[SourceRow]) -> Self {
        let mut shipping = Self {
            ships: Vec::new(),
            leaves_out: Vec::new(),
        };
        for row in rows {
            // What is only kept isn't shipped.
            let ends = row.ends.iter().filter(|_| row.missing.is_none());
            for end in ends.filter(|end| !is_on_the_way(end)) {
                shipping.add(&row.source, end);
            }
            shipping.leaves_out.extend(row.reasons().map(|why| LeftOut {
                source: row.source.clone(),
                why: why.to_owned(),
            }));
        }
        shipping
    }

    fn add(&mut self, source: &str, end: &End) {
        let (at, kept_days) = (end.at(), end.kept_days);
        let kept_for_good = end.is_kept_for_good();
        let same = |one: &&mut Shipment| {
            (&one.at, one.kept_days, one.kept_for_good) == (&at, kept_days, kept_for_good)
        };
        match self.ships.iter_mut().find(same) {
            Some(one) if one.sources.iter().any(|other| other == source) => {}
            Some(one) => one.sources.push(source.to_owned()),
            None => self.ships.push(Shipment {
                at,
                kept_days,
                kept_for_good,
                sources: vec![source.to_owned()],
            }),
        }
    }
}

/// Whether it is the log group that logs of AWS only come through.
fn is_on_the_way(end: &End) -> bool {
    end.kind == EndKind::LogGroup && end.destination.is_none()
}

/// What these clusters ship, those that ship the same together.
pub(super) fn tell<'c>(
    clusters: impl Iterator<Item = (&'c str, &'c Shipping)>,
) -> Vec<NewClusters> {
    let mut reported: Vec<(&Shipping, Vec<String>)> = Vec::new();
    for (name, shipping) in clusters {
        match reported.iter_mut().find(|(other, _)| *other == shipping) {
            Some((_, names)) => names.push(name.to_owned()),
            None => reported.push((shipping, vec![name.to_owned()])),
        }
    }
    let reported = reported
        .into_iter()
        .map(|(shipping, clusters)| NewClusters {
            clusters,
            ships: shipping.ships.clone(),
            leaves_out: shipping.leaves_out.clone(),
        });
    reported.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Missing;
    use crate::sources::MissingKind;

    fn end(destination: Option<&str>, kind: EndKind, kept_days: Option<u16>) -> End {
        End {
            stream: "any".to_owned(),
            destination: destination.map(str::to_owned),
            kind,
            name: "any".to_owned(),
            region: (kind == EndKind::LogGroup).then(|| "eu-central-1".to_owned()),
            kept_days,
            through: None,
        }
    }

    fn row(source: &str, ends: Vec<End>, missing: Option<MissingKind>) -> SourceRow {
        SourceRow {
            cluster: "alpha".to_owned(),
            source: source.to_owned(),
            shipped_by: None,
            reads: Vec::new(),
            ends,
            files: Vec::new(),
            missing: missing.map(|kind| Missing {
                kind,
                why: "switched off".to_owned(),
            }),
            gaps: Vec::new(),
        }
    }

    #[test]
    fn sources_of_one_end_stand_together_and_gaps_by_themselves() {
        let main = || end(Some("main"), EndKind::DataStream, Some(60));
        let on_the_way = end(None, EndKind::LogGroup, Some(14));
        let shipping = Shipping::of_rows(&[
            row("a", vec![main(), main()], None),
            row("b", vec![on_the_way, main()], None),
            row("c", vec![end(None, EndKind::Elsewhere, None)], None),
            row("d", vec![], Some(MissingKind::Gap)),
            row("e", vec![], Some(MissingKind::NotThere)),
        ]);
        let ships: Vec<(&str, Option<u16>, Vec<&str>)> = shipping
            .ships
            .iter()
            .map(|one| {
                let sources = one.sources.iter().map(String::as_str);
                (one.at.as_str(), one.kept_days, sources.collect())
            })
            .collect();
        assert_eq!(
            ships,
            [
                ("main", Some(60), vec!["a", "b"]),
                ("elsewhere", None, vec!["c"])
            ]
        );
        let gaps: Vec<&str> = shipping
            .leaves_out
            .iter()
            .map(|gap| gap.source.as_str())
            .collect();
        assert_eq!(gaps, ["d"]);
    }

    #[test]
    fn clusters_that_ship_the_same_are_reported_once() {
        let gap = || Shipping::of_rows(&[row("a", vec![], Some(MissingKind::Gap))]);
        let (one, two, none) = (gap(), gap(), Shipping::of_rows(&[]));
        let reported = tell([("a", &one), ("b", &none), ("c", &two)].into_iter());
        let names: Vec<&[String]> = reported.iter().map(|new| new.clusters.as_slice()).collect();
        assert_eq!(
            names,
            [&["a".to_owned(), "c".to_owned()][..], &["b".to_owned()]]
        );
    }
}
