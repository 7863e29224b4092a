//! As much of the groups as fits: a line of each first, then the changes of
//! the first ones.

use super::body::Body;
use super::summary::GroupLine;
use crate::diff::layout::links::Links;
use crate::diff::preview::{ClusterRisk, Group, Preview};

/// Groups that are open from the beginning.
const MAX_OPEN: usize = 3;
/// Bytes of a group that is open from the beginning.
const MAX_OPEN_BYTES: usize = 2_500;
/// Bytes that nothing worth to be opened fits into.
const MIN_BODY: usize = 250;
/// Groups that have a line before any has its changes.
const MIN_LINES: usize = 100;
/// Groups in a row that may turn out too large for what is left.
const MAX_TRIES: usize = 8;

/// A group, and what it is called.
pub(super) struct Item<'p> {
    label: String,
    group: &'p Group,
    risks: Vec<ClusterRisk>,
}

impl<'p> Item<'p> {
    /// All of a preview: those of its change, then those that another release of gen alone makes.
    pub(super) fn all(preview: &'p Preview) -> Vec<Self> {
        let links = Links::of(preview);
        let groups = preview.groups.iter().enumerate();
        let groups = groups.map(|(number, group)| Self {
            label: (number + 1).to_string(),
            group,
            risks: links.risks_of(number).to_vec(),
        });
        let by_release = preview.blast_radius.generator.groups.iter().enumerate();
        let by_release = by_release.map(|(number, group)| Self {
            label: format!("gen {}", number + 1),
            group,
            risks: Vec::new(),
        });
        groups.chain(by_release).collect()
    }
}

/// How many groups are shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reported {
    /// There are.
    pub(super) groups: usize,
    /// At least by a line.
    pub(super) shown: usize,
    /// With all of their changes.
    pub(super) whole: usize,
}

impl Reported {
    /// What takes most words to say.
    pub(super) fn longest(items: &[Item<'_>]) -> Self {
        Self {
            groups: items.len(),
            shown: items.len(),
            whole: 0,
        }
    }
}

/// A group as it is shown.
struct Shown {
    text: String,
    whole: bool,
}

/// Appends as much of the groups as fits into `room` bytes.
pub(super) fn tell(items: &[Item<'_>], room: usize, text: &mut String) -> Reported {
    let first = lines(&items[..items.len().min(MIN_LINES)], room);
    let first = first.iter().map(String::len).sum::<usize>();
    let lines = lines(items, first.max(room / 2));
    let left = room - lines.iter().map(String::len).sum::<usize>();
    // If not all fit whole, the first must not take everything.
    let all = (lines.len() == items.len()).then(|| open(items, &lines, left, Share::All));
    let (mut shown, mut left) = all
        .flatten()
        .or_else(|| open(items, &lines, left, Share::Half))
        .unwrap_or_default();
    for item in &items[shown.len()..] {
        let line = item.line();
        if line.len() > left {
            break;
        }
        left -= line.len();
        shown.push(Shown {
            text: line,
            whole: false,
        });
    }
    for group in &shown {
        *text += &group.text;
    }
    Reported {
        groups: items.len(),
        shown: shown.len(),
        whole: shown.iter().filter(|group| group.whole).count(),
    }
}

/// The first groups, a line each.
fn lines(items: &[Item<'_>], mut room: usize) -> Vec<String> {
    let lines = items.iter().map(Item::line);
    let fits = |line: &String| match room.checked_sub(line.len()) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    lines.take_while(fits).collect()
}

/// How much of what is left one group may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    /// All of it; and each must then be whole.
    All,
    /// Half, if another follows.
    Half,
}

/// Puts changes in the place of lines, from the first on, and tells what is left then.
fn open(
    items: &[Item<'_>],
    lines: &[String],
    mut left: usize,
    share: Share,
) -> Option<(Vec<Shown>, usize)> {
    let mut shown: Vec<Shown> = Vec::with_capacity(lines.len());
    let mut tries = 0;
    for (number, (item, line)) in items.iter().zip(lines).enumerate() {
        let is_last = number + 1 == lines.len();
        let room = match share {
            Share::Half if !is_last => line.len() + left / 2,
            _ => line.len() + left,
        };
        let block = if room < MIN_BODY || tries == MAX_TRIES {
            None
        } else {
            item.block(room, number < MAX_OPEN)
        };
        if share == Share::All && block.as_ref().is_none_or(|block| !block.whole) {
            return None;
        }
        tries = if block.is_some() { 0 } else { tries + 1 };
        let group = block.unwrap_or_else(|| Shown {
            text: line.clone(),
            whole: false,
        });
        left = left + line.len() - group.text.len();
        shown.push(group);
    }
    Some((shown, left))
}

impl Item<'_> {
    /// The group in a line, as an item of a list.
    fn line(&self) -> String {
        let summary = GroupLine::new(&self.label, self.group, &self.risks);
        format!("- {}\n", summary.to_markdown())
    }

    /// The group with its changes, to be opened. Blank lines around it, and
    /// within it, tell Markdown and HTML apart.
    fn block(&self, max_bytes: usize, may_be_open: bool) -> Option<Shown> {
        let summary = GroupLine::new(&self.label, self.group, &self.risks).to_html();
        let around = |open: &str, body: &str| {
            format!("\n<details{open}><summary>{summary}</summary>\n\n{body}\n</details>\n\n")
        };
        let room = max_bytes.checked_sub(around(" open", "").len())?;
        let body = Body::new(self.group, room)?;
        let is_open = may_be_open && body.text.len() <= MAX_OPEN_BYTES;
        Some(Shown {
            text: around(if is_open { " open" } else { "" }, &body.text),
            whole: body.whole,
        })
    }
}
