//! The marks that git leaves in a file whose two sides it couldn't merge
//! (<https://git-scm.com/docs/git-merge#_how_conflicts_are_presented>). Pure.

/// A mark is so many of its character, at the start of a line.
const LENGTH: usize = 7;

/// Which part of a conflict lines are in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Both,
    Ours,
    Base,
    Theirs,
}

/// Where the first mark of a conflict is: the offset of its line. A line of
/// `=======` alone is none: people underline headings with it.
pub fn find(text: &str) -> Option<usize> {
    // To search for the characters costs far less than to look at each line.
    if !["<<<<<<<", "|||||||", ">>>>>>>"]
        .iter()
        .any(|mark| text.contains(mark))
    {
        return None;
    }
    let mut at = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        if ['<', '|', '>'].iter().any(|mark| is_mark(line, *mark)) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// The whole text as either side has it, ours first; nothing if it has no
/// conflict, or one whose marks don't fit each other.
pub fn sides(text: &str) -> Option<[String; 2]> {
    let mut sides = [String::new(), String::new()];
    let (mut part, mut seen) = (Part::Both, false);
    for line in text.split_inclusive('\n') {
        part = match part {
            Part::Both if is_mark(line, '<') => {
                seen = true;
                Part::Ours
            }
            Part::Ours if is_mark(line, '|') => Part::Base,
            Part::Ours | Part::Base if is_mark(line, '=') => Part::Theirs,
            Part::Theirs if is_mark(line, '>') => Part::Both,
            part => {
                if ['<', '|', '>'].iter().any(|mark| is_mark(line, *mark)) {
                    return None;
                }
                for (side, left_out) in sides.iter_mut().zip([Part::Theirs, Part::Ours]) {
                    if part != Part::Base && part != left_out {
                        side.push_str(line);
                    }
                }
                part
            }
        };
    }
    (seen && part == Part::Both).then_some(sides)
}

/// Whether a line is such a mark, with or without what it is called.
fn is_mark(line: &str, mark: char) -> bool {
    let rest = line.trim_start_matches(mark);
    line.len() - rest.len() == LENGTH && (rest.trim_end().is_empty() || rest.starts_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_is_found_by_its_marks() {
        for (text, at) in [
            ("a: 1\n<<<<<<< HEAD\nb: 1\n", Some(5)),
            ("<<<<<<< ours\r\nb: 1\r\n", Some(0)),
            ("a\r>>>>>>> 1a2b3c (a commit)", Some(2)),
            ("a\n||||||| base\n", Some(2)),
            ("<<<<<<<\n", Some(0)),
            ("=======\n", None),
            ("a: <<<<<<< HEAD\n", None),
            ("  <<<<<<< HEAD\n", None),
            ("<<<<<<<< HEAD\n", None),
            ("<<<<<<<HEAD\n", None),
            ("", None),
        ] {
            assert_eq!(find(text), at, "{text}");
        }
    }

    #[test]
    fn its_sides_are_told_apart() {
        let text = "a\n<<<<<<< HEAD\nb\n||||||| base\nc\n<<<<<<<<< x\n=======\nd\n=======\n>>>>>>> other\ne\n";
        let both = sides(text).expect("a conflict");
        assert_eq!(both, ["a\nb\ne\n", "a\nd\n=======\ne\n"]);
        for text in [
            "a\n",
            "<<<<<<< HEAD\na\n",
            "<<<<<<< HEAD\n>>>>>>> x\n",
            ">>>>>>> x\n",
            "<<<<<<< a\n=======\n<<<<<<< b\n=======\n>>>>>>> b\n>>>>>>> a\n",
        ] {
            assert_eq!(sides(text), None, "{text}");
        }
    }
}
