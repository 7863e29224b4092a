//! Whatever a preview holds, its comment fits, is well formed, and nothing of
//! a stranger's is markup in it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use serde_json::{Value as Json, json};

use super::{Limit, Link, to_markdown};
use crate::diff::preview::*;
use crate::fault::Fault;
use crate::settings::Flag;

/// In each text that is a stranger's.
const MARK: &str = "@HOSTILE";
const LINK: &str = "https://example.com/page";

const HOSTILE: [&str; 24] = [
    "`@HOSTILE`",
    "``` @HOSTILE\n```\n# @HOSTILE",
    "a `@HOSTILE b",
    "`````````@HOSTILE`` x ```",
    "@HOSTILE</details></summary><b>",
    "</code></summary></details>\n\n@HOSTILE",
    "<script>@HOSTILE</script>",
    "<!-- @HOSTILE",
    "a|@HOSTILE|b\\|c\\\\|",
    "\r\n\r\n@HOSTILE\r# x",
    "\u{202e}@HOSTILE\u{2066}\u{2028}\u{61c}",
    "![@HOSTILE](https://example.com/x.png)",
    "[@HOSTILE](https://example.com) www.example.com",
    "~~~\n@HOSTILE\n~~~\n***",
    "#1 GH-2 @HOSTILE org/name#3 deadbeef0",
    "\\`@HOSTILE\\` \\",
    "&lt;&#64;@HOSTILE&#x40;&amp;",
    "*@HOSTILE* _x_ ~~y~~ $z$ :tada:",
    "> [!NOTE]\n> @HOSTILE",
    "- [x] @HOSTILE\n1. x",
    "\t    @HOSTILE\u{1b}[31m\0",
    "@HOSTILE \u{feff}\u{200b}日本語 ääää",
    "(`@HOSTILE`), and (`x`.) `",
    "---\n@HOSTILE\n===",
];

/// Numbers that look random, and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % sides.max(1)
    }

    fn text(&mut self) -> String {
        let hostile = HOSTILE[self.roll(HOSTILE.len())];
        match self.roll(12) {
            0 => String::new(),
            1 => format!("{}{hostile}", "x".repeat(self.roll(400))),
            2 => format!("{hostile}{}", "`".repeat(self.roll(300))),
            3 => format!("{hostile} {}", HOSTILE[self.roll(HOSTILE.len())]),
            4 => "kubernetes/fluentd.yaml".to_owned(),
            _ => hostile.to_owned(),
        }
    }

    fn texts(&mut self, most: usize) -> Vec<String> {
        let count = 1 + self.roll(most);
        (0..count).map(|_| self.text()).collect()
    }

    fn value(&mut self) -> Json {
        match self.roll(6) {
            0 => json!({ self.text(): self.text(), "a": [{ "b": self.text() }] }),
            1 => json!(self.texts(100)),
            2 => json!(self.roll(1000)),
            _ => json!(self.text()),
        }
    }

    fn lines(&mut self) -> Vec<Line> {
        let signs = [Sign::Context, Sign::Added, Sign::Removed, Sign::Gap];
        let count = self.roll(90);
        let lines = (0..count).map(|_| Line {
            sign: signs[self.roll(4)],
            text: self.text(),
        });
        lines.collect()
    }

    fn detail(&mut self) -> Detail {
        match self.roll(13) {
            0 => Detail::Added { new: self.value() },
            1 => Detail::Removed { old: self.value() },
            2 => Detail::Renamed { to: self.text() },
            3 => Detail::Reordered {
                old: self.texts(9),
                new: self.texts(9),
            },
            4 => Detail::Lines {
                lines: self.lines(),
                omitted: self.roll(3),
            },
            5 => Detail::Comments {
                lines: self.lines(),
                omitted: 0,
            },
            6 => Detail::LineEnds,
            7 => Detail::Opaque {
                old_bytes: 1,
                new_bytes: 2,
            },
            8 => Detail::FileAdded {
                lines: self.lines(),
                omitted: 5,
            },
            9 => Detail::FileRemoved,
            10 => Detail::FileRenamed { from: self.text() },
            11 => Detail::FileAddedOtherwise {
                lines: self.lines(),
                omitted: self.roll(3),
            },
            _ => Detail::Changed {
                old: self.value(),
                new: self.value(),
            },
        }
    }

    fn part(&mut self) -> Part {
        let files = (0..=self.roll(3)).map(|_| PartFile {
            path: self.text(),
            object: (self.roll(2) == 0).then(|| self.text()),
            clusters: self.roll(4),
            only_in: if self.roll(4) == 0 {
                self.texts(5)
            } else {
                Vec::new()
            },
        });
        let files = files.collect();
        let variants = (0..=self.roll(4)).map(|_| Variant {
            clusters: self.texts(8),
            detail: self.detail(),
        });
        Part {
            files,
            variants: variants.collect(),
            path: self.text(),
        }
    }

    fn groups(&mut self, count: usize) -> Vec<Group> {
        let groups = (0..count).map(|_| Group {
            clusters: self.texts(20),
            comments_only: self.roll(5) == 0,
            parts: (0..=self.roll(3)).map(|_| self.part()).collect(),
        });
        groups.collect()
    }

    fn totals(&mut self) -> Totals {
        Totals {
            added: self.roll(3),
            changed: self.roll(3),
            removed: self.roll(2),
        }
    }

    fn side(&mut self) -> Side {
        Side {
            revision: self.text(),
            commit: (self.roll(2) == 0).then(|| self.text()),
            taken: self.text(),
        }
    }

    fn faults(&mut self) -> Vec<Fault> {
        let count = self.roll(12);
        let faults = (0..count).map(|_| Fault::input(self.text()).hint(self.text()));
        faults.collect()
    }

    fn risk(&mut self) -> Risk {
        Risk {
            flag: Flag::ALL[self.roll(Flag::ALL.len())],
            what: self.text(),
            live: (self.roll(2) == 0).then(|| self.text()),
            clusters: self.texts(9),
            files: self.texts(5),
            acknowledged: (self.roll(2) == 0).then(|| Acknowledgement {
                place: self.text(),
                reason: (self.roll(2) == 0).then(|| self.text()),
            }),
            key: None,
            before: None,
            after: None,
        }
    }

    fn cluster(&mut self) -> ClusterChange {
        use ClusterStatus as Status;
        let all = [
            Status::Added,
            Status::Removed,
            Status::Changed,
            Status::FleetFiles,
            Status::AccountFiles,
            Status::HeadFaulty,
            Status::BaseFaulty,
        ];
        ClusterChange {
            name: self.text(),
            status: all[self.roll(all.len())],
            files: self.totals(),
            objects: self.totals(),
            renamed_from: (self.roll(4) == 0).then(|| RenamedCluster {
                name: self.text(),
                same_files: 3,
            }),
            account_regions: AccountRegions::default(),
            risks: (0..self.roll(3))
                .map(|_| ClusterRisk {
                    flag: Flag::ALL[self.roll(Flag::ALL.len())],
                    acknowledged: self.roll(2) == 0,
                })
                .collect(),
        }
    }

    fn setting(&mut self) -> SettingChange {
        let places = (0..self.roll(3)).map(|line| SettingPlace {
            file: self.text(),
            line: u32::try_from(line).unwrap_or_default(),
            column: 1,
        });
        SettingChange {
            places: places.collect(),
            path: self.text(),
            scope: InputScope::Fleet,
            before: (self.roll(2) > 0).then(|| self.value()),
            after: (self.roll(2) > 0).then(|| self.value()),
            reach: match self.roll(4) {
                0 => SettingReach::Nothing,
                1 => SettingReach::AllClusters { count: 3 },
                2 => SettingReach::SharedFiles {
                    folders: self.texts(2),
                },
                _ => SettingReach::Clusters {
                    clusters: self.texts(9),
                    of: 9,
                },
            },
        }
    }

    fn new_clusters(&mut self) -> NewClusters {
        let ships = (0..self.roll(3)).map(|_| Shipment {
            at: self.text(),
            kept_days: (self.roll(2) == 0).then_some(7),
            kept_for_good: false,
            sources: self.texts(20),
        });
        let ships = ships.collect();
        let leaves_out = (0..self.roll(3)).map(|_| LeftOut {
            source: self.text(),
            why: self.text(),
        });
        NewClusters {
            ships,
            leaves_out: leaves_out.collect(),
            clusters: self.texts(8),
        }
    }

    fn blast_radius(&mut self, size: usize) -> BlastRadius {
        let changes = [
            InputChange::Added,
            InputChange::Changed,
            InputChange::Removed,
        ];
        let scopes = [
            InputScope::Fleet,
            InputScope::Environment,
            InputScope::Template,
            InputScope::Cluster,
            InputScope::Named,
        ];
        let inputs = (0..self.roll(size)).map(|_| ChangedInput {
            path: self.text(),
            change: changes[self.roll(3)],
            scope: scopes[self.roll(5)],
        });
        let inputs = inputs.collect();
        let across = (0..self.roll(4)).map(|_| Across {
            path: self.text(),
            clusters: self.texts(9),
        });
        BlastRadius {
            inputs,
            across: across.collect(),
            by_own_files: self.texts(3),
            by_shared_files: self.texts(3),
            generator: GeneratorVersions {
                running: "1.0.0".to_owned(),
                recorded: BTreeMap::from([(self.text(), 3)]),
                changed_clusters: self.texts(2),
                files: self.totals(),
                objects: self.totals(),
                risks: (0..self.roll(3)).map(|_| self.risk()).collect(),
                groups: self.groups(size.min(3)),
            },
        }
    }

    fn preview(&mut self, size: usize) -> Preview {
        let few = size.min(40);
        Preview {
            logfleet_preview: FORMAT,
            verdict: self.text(),
            base: self.side(),
            head: self.side(),
            risks: (0..self.roll(few)).map(|_| self.risk()).collect(),
            settings: (0..self.roll(few)).map(|_| self.setting()).collect(),
            clusters: ClusterTotals {
                unchanged: self.roll(3),
                ..ClusterTotals::default()
            },
            files: self.totals(),
            objects: self.totals(),
            changed_clusters: (0..size).map(|_| self.cluster()).collect(),
            new_clusters: (0..self.roll(few)).map(|_| self.new_clusters()).collect(),
            groups: self.groups(size),
            blast_radius: self.blast_radius(few),
            head_faults: self.faults(),
            base_faults: self.faults(),
            acknowledgement_faults: self.faults(),
        }
    }
}

fn limit(max_bytes: u32) -> Limit {
    Limit {
        max_bytes,
        link: Link::parse(LINK).ok(),
    }
}

/// What a parser makes of a comment.
#[derive(Debug, Default)]
struct Seen {
    /// Groups that are a line.
    lines: usize,
    /// Groups that are opened.
    blocks: usize,
    /// The text that isn't code, after the changes.
    foot: String,
}

impl Seen {
    /// Reads a comment as forges do, and looks at everything in it.
    fn of(markdown: &str) -> Self {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_GFM;
        let mut seen = Self::default();
        let (mut html, mut changes, mut in_code, mut links, mut headings) =
            (String::new(), false, false, 0, 0);
        for event in Parser::new_ext(markdown, options) {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    assert!(
                        matches!(&kind, CodeBlockKind::Fenced(language) if ["diff", "text"].contains(&&**language)),
                        "{kind:?}"
                    );
                    in_code = true;
                }
                Event::End(TagEnd::CodeBlock) => in_code = false,
                Event::Text(_) if in_code => {}
                Event::Text(text) => {
                    assert!(is_ours(&text), "{text:?}");
                    changes |= &*text == "What changes";
                    seen.foot += &text;
                }
                Event::Html(text) => {
                    if changes {
                        seen.blocks += text.matches("<summary>").count();
                        seen.foot.clear();
                    }
                    html += &text;
                }
                Event::Start(Tag::Item) => {
                    seen.lines += usize::from(changes);
                    seen.foot.clear();
                }
                Event::End(TagEnd::Item) => seen.foot.clear(),
                Event::Start(Tag::Link { dest_url, .. }) => {
                    assert_eq!(&*dest_url, LINK);
                    links += 1;
                }
                Event::Start(Tag::Heading { .. }) => headings += 1,
                Event::Start(
                    Tag::Paragraph
                    | Tag::List(None)
                    | Tag::BlockQuote(_)
                    | Tag::Table(_)
                    | Tag::TableHead
                    | Tag::TableRow
                    | Tag::TableCell
                    | Tag::Strong
                    | Tag::HtmlBlock,
                )
                | Event::Code(_)
                | Event::SoftBreak
                | Event::End(_) => {}
                other => panic!("{other:?}\n{markdown}"),
            }
        }
        assert_eq!((links, headings), (1, 1), "{markdown}");
        assert!(seen.foot.ends_with("Everything on one page"), "{markdown}");
        check_html(&html);
        seen
    }
}

/// Whether a text has nothing that a forge makes a link or a picture of.
fn is_ours(text: &str) -> bool {
    let ours = |c: char| c.is_ascii_alphanumeric() || " ,;:.()'\"-→·…|".contains(c);
    !text.contains("HOSTILE") && !text.contains("www.") && text.chars().all(ours)
}

/// Whether there is nothing but `<details>`, each closed, and strangers' texts only within `<code>`.
fn check_html(html: &str) {
    let mut depth = 0;
    let mut is_code = false;
    for (number, piece) in html.split('<').enumerate() {
        let (tag, text) = match piece.split_once('>') {
            Some((tag, text)) if number > 0 => (tag, text),
            _ => ("", piece),
        };
        match tag {
            "details" | "details open" => depth += 1,
            "/details" => depth -= 1,
            "code" => is_code = true,
            "/code" => is_code = false,
            "" if number == 0 => {}
            "summary" | "/summary" => {}
            _ => panic!("<{tag}>"),
        }
        assert!((0..=1).contains(&depth), "{html}");
        assert!(!text.contains('>'), "{text:?}");
        assert!(
            is_code || is_ours(text.replace('\n', "").trim()),
            "{text:?}"
        );
    }
    assert_eq!(depth, 0);
}

/// Lays a preview out, and looks at it in all ways.
fn check(preview: &Preview, max_bytes: u32) -> String {
    let markdown = to_markdown(preview, &limit(max_bytes));
    assert!(markdown.len() <= max_bytes as usize, "{}", markdown.len());
    assert_eq!(markdown, to_markdown(preview, &limit(max_bytes)));
    let shown = |c: char| c == '\n' || c == '\t' || !crate::report::is_obeyed(c);
    assert!(markdown.chars().all(shown));
    let seen = Seen::of(&markdown);
    let groups = preview.groups.len() + preview.blast_radius.generator.groups.len();
    let reported = format!("{} of {groups} groups shown", seen.lines + seen.blocks);
    if seen.foot.contains("groups shown") {
        assert!(
            seen.foot.starts_with(&reported),
            "{reported}: {}",
            seen.foot
        );
    } else {
        assert_eq!((seen.lines, seen.blocks), (0, groups), "{markdown}");
        assert!(!markdown.contains("\n# and "), "{markdown}");
    }
    markdown
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_comment_fits_and_is_well_formed(seed in 1_u64.., size in 1_usize..30, max_bytes in 2_000_u32..100_000) {
        let preview = Dice(seed).preview(size);
        check(&preview, max_bytes);
    }

    #[test]
    fn so_is_a_short_one(seed in 1_u64.., size in 1_usize..6, max_bytes in 2_000_u32..6_000) {
        let preview = Dice(seed).preview(size);
        check(&preview, max_bytes);
    }
}

/// Ten thousand changes, of which a test takes the first.
static MANY: LazyLock<Preview> = LazyLock::new(|| Dice(11).preview(10_000));

/// A preview with the first so many of them.
fn of_size(size: usize) -> Preview {
    let many = &*MANY;
    Preview {
        groups: many.groups[..size].to_vec(),
        changed_clusters: many.changed_clusters[..size].to_vec(),
        ..Dice(12).preview(0)
    }
}

#[test]
fn so_is_one_of_each_small_size() {
    for size in 1..=150 {
        check(&of_size(size), Limit::DEFAULT_BYTES);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// As many of a few changes as of thousands.
    #[test]
    fn so_is_one_of_any_size(magnitude in 0.0..=4.0_f64, max_bytes in prop_oneof![Just(Limit::DEFAULT_BYTES), 2_000_u32..1_000_000]) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10,000")]
        let size = 10_f64.powf(magnitude) as usize;
        check(&of_size(size), max_bytes);
    }
}

#[test]
fn so_is_one_of_many_changes() {
    let preview = Dice(7).preview(10_000);
    for max_bytes in [2_000, 64_500, 1_000_000] {
        let markdown = check(&preview, max_bytes);
        assert!(markdown.contains(MARK), "{max_bytes}");
    }
    let preview = Dice(8).preview(500);
    check(&preview, 300_000);
}

#[test]
fn huge_values_are_cut() {
    let mut dice = Dice(9);
    let mut preview = dice.preview(3);
    let huge = "`ü|</details>\n".repeat(350_000);
    for group in &mut preview.groups {
        group.parts.push(Part {
            path: huge.clone(),
            ..dice.part()
        });
        group.parts[0].variants[0].detail = Detail::Added { new: json!(huge) };
    }
    preview.verdict.clone_from(&huge);
    check(&preview, 2_000);
    check(&preview, 64_500);
}

fn one_group(parts: Vec<Part>) -> Preview {
    let mut preview = Dice(1).preview(0);
    preview.verdict = "1 cluster changed".to_owned();
    preview.groups = vec![Group {
        clusters: vec!["prod".to_owned()],
        comments_only: false,
        parts,
    }];
    preview.blast_radius = BlastRadius::default();
    (preview.head_faults, preview.base_faults) = (Vec::new(), Vec::new());
    preview.acknowledgement_faults = Vec::new();
    preview
}

fn changed(path: &str, lines: usize) -> Part {
    let line = |number| Line {
        sign: Sign::Added,
        text: format!("line {number}"),
    };
    Part {
        files: vec![PartFile {
            path: "a.sh".to_owned(),
            object: None,
            clusters: 1,
            only_in: Vec::new(),
        }],
        path: path.to_owned(),
        variants: vec![Variant {
            clusters: vec!["prod".to_owned()],
            detail: Detail::Lines {
                lines: (0..lines).map(line).collect(),
                omitted: 0,
            },
        }],
    }
}

#[test]
fn what_fits_is_shown_whole_and_no_end_is_needed() {
    let preview = one_group(vec![changed("run", 3)]);
    let limit = Limit {
        max_bytes: Limit::MIN_BYTES,
        link: None,
    };
    let markdown = to_markdown(&preview, &limit);
    assert!(markdown.ends_with(
        "\n<details open><summary>1 · <code>prod</code>: <code>a.sh</code> <code>run</code> lines differ</summary>\n\n\
         ```diff\n@@ a.sh @@\n  run\n+   line 0\n+   line 1\n+   line 2\n```\n\n</details>\n\n"
    ), "{markdown}");
}

#[test]
fn a_group_that_is_too_large_shows_its_first_places() {
    let parts = (0..100).map(|number| changed(&format!("place {number}"), 3));
    let markdown = to_markdown(&one_group(parts.collect()), &limit(2_000));
    let places = markdown.matches("\n  place ").count();
    let note = format!("# and {} places more\n```\n", 100 - places);
    assert!(places > 10 && markdown.contains(&note), "{markdown}");
    assert!(markdown.contains("**1 of 1 groups shown**, 1 of them in short."));
    assert!(markdown.len() > 1_900);
}

#[test]
fn a_place_that_is_too_large_shows_its_first_lines() {
    let long = "ü".repeat(150);
    let mut parts = vec![changed(&long, 60), changed("x", 60)];
    let files = &mut parts[0].files;
    files[0].object = Some(long);
    files.extend([files.clone(), files.clone()].concat());
    let markdown = to_markdown(&one_group(parts), &limit(2_000));
    assert!(markdown.contains("+   line 5\n"), "{markdown}");
    let shown = markdown.matches("\n+   line ").count();
    // With the file and the path before the lines.
    let note = format!("# and {} lines more\n# and 1 place more\n```\n", 60 - shown);
    assert!(markdown.contains(&note), "{markdown}");
}

#[test]
fn of_several_the_first_leaves_room_for_the_others() {
    let large = || Group {
        clusters: vec!["prod".to_owned()],
        comments_only: false,
        parts: (0..150)
            .map(|n| changed(&format!("place {n}"), 40))
            .collect(),
    };
    let mut preview = one_group(Vec::new());
    preview.groups = vec![large(), large()];
    let markdown = to_markdown(&preview, &limit(64_500));
    assert_eq!(markdown.matches("<details").count(), 2, "{markdown}");
    assert!(markdown.len() > 62_000, "{}", markdown.len());
}

#[test]
fn a_risk_is_reported_in_the_shortest_comment() {
    let mut preview = Dice(3).preview(30);
    let mut risk = Dice(4).risk();
    risk.acknowledged = None;
    preview.risks = vec![risk; 50];
    let markdown = check(&preview, Limit::MIN_BYTES);
    let risks = "> [!CAUTION]\n> **50 unacknowledged dangers**\n>\n> - **`";
    assert!(markdown.contains(risks), "{markdown}");
}

#[test]
fn a_short_comment_has_lines_of_groups_before_their_changes() {
    let group = |number| Group {
        clusters: vec![format!("c{number}")],
        comments_only: false,
        parts: vec![changed(&format!("place {number}"), 40)],
    };
    let mut preview = one_group(Vec::new());
    preview.groups = (0..10).map(group).collect();
    let markdown = check(&preview, Limit::MIN_BYTES);
    assert!(markdown.contains("**10 of 10 groups shown**"), "{markdown}");
    preview.groups = (0..60).map(group).collect();
    let markdown = check(&preview, Limit::MIN_BYTES);
    assert!(!markdown.contains("<details"), "{markdown}");
}

#[test]
fn a_risk_and_clusters_keep_their_words_in_the_shortest_comment() {
    let mut preview = one_group(vec![changed("run", 300)]);
    let change = |number: usize| ClusterChange {
        name: format!("{}{number}", "long-name-".repeat(6)),
        status: ClusterStatus::Changed,
        files: Totals {
            changed: number % 2 + 1,
            ..Totals::default()
        },
        objects: Totals::default(),
        renamed_from: None,
        account_regions: AccountRegions::default(),
        risks: Vec::new(),
    };
    preview.changed_clusters = (0..40).map(change).collect();
    preview.risks = vec![Risk {
        flag: Flag::RetentionShrinks,
        what: "records are deleted after 30 days instead of 60 days".to_owned(),
        live: Some("x".repeat(200)),
        clusters: preview
            .changed_clusters
            .iter()
            .map(|one| one.name.clone())
            .collect(),
        files: Vec::new(),
        acknowledged: None,
        key: None,
        before: None,
        after: None,
    }];
    let markdown = check(&preview, Limit::MIN_BYTES);
    for reported in [
        "> - **`retention-shrinks`** records are deleted earlier, in 40 clusters\n",
        "| changed | `~1` |  | 20 clusters |\n",
        "| changed | `~2` |  | 20 clusters |\n",
    ] {
        assert!(markdown.contains(reported), "{reported}{markdown}");
    }
}
