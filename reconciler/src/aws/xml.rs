//! Answers in XML. Pure.

/// An element, without namespaces and attributes, which AWS's answers don't need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a document.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
        Ok(Self::of(document.root_element()))
    }

    fn of(node: roxmltree::Node<'_, '_>) -> Self {
        Self {
            name: node.tag_name().name().to_owned(),
            text: node.text().unwrap_or_default().trim().to_owned(),
            children: node
                .children()
                .filter(roxmltree::Node::is_element)
                .map(Self::of)
                .collect(),
        }
    }

    /// An element in it.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first element of a name anywhere in it.
    pub fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| {
            if child.name == name {
                Some(child)
            } else {
                child.find(name)
            }
        })
    }

    /// The text of an element in it, where it isn't empty.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        let text = self.child(name)?.text.as_str();
        (!text.is_empty()).then_some(text)
    }

    /// The text of an element in it; nothing where it is missing.
    pub fn string_of(&self, name: &str) -> String {
        self.text_of(name).unwrap_or_default().to_owned()
    }

    /// The members of a list in it.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.child(name).into_iter().flat_map(|list| &list.children)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_without_its_namespace() {
        let text = b"<R xmlns=\"http://x\"><Result><Stacks><member><Name> a </Name></member><member/></Stacks></Result></R>";
        let document = Element::parse(text).expect("XML");
        let result = document.child("Result").expect("a result");
        let names: Vec<_> = result
            .list("Stacks")
            .map(|stack| stack.text_of("Name"))
            .collect();
        assert_eq!(names, [Some("a"), None]);
        assert_eq!(
            document.find("Name").map(|name| name.text.as_str()),
            Some("a")
        );
        assert_eq!(result.list("Nothing").count(), 0);
        assert!(Element::parse(b"{}").is_err());
    }
}
