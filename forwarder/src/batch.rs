//! Bodies of bulk requests: newline-delimited JSON of `create` actions
//! (<https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk>).
//! Pure.

use std::io::Write as _;
use std::ops::Range;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::json::write_text;

/// Bytes of a body that are packed at once: they fit the processor's cache.
const PACKED_AT_ONCE: usize = 64 * 1024;

/// Where a document lies in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    id: Range<usize>,
    whole: Range<usize>,
    document: Range<usize>,
}

/// Documents for one data stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    body: Vec<u8>,
    /// All ids, one behind the other.
    ids: String,
    places: Vec<Place>,
    /// The body as it is sent, if it is packed already.
    packed: Option<Bytes>,
}

impl Batch {
    /// Adds a document, which is one line of JSON.
    pub fn push(&mut self, id: &str, document: &[u8]) {
        self.packed = None;
        let start = self.body.len();
        self.body.extend_from_slice(b"{\"create\":{\"_id\":");
        write_text(id, &mut self.body);
        self.body.extend_from_slice(b"}}\n");
        let begin = self.body.len();
        self.body.extend_from_slice(document);
        let end = self.body.len();
        self.body.push(b'\n');
        let first = self.ids.len();
        self.ids.push_str(id);
        self.places.push(Place {
            id: first..self.ids.len(),
            whole: start..end + 1,
            document: begin..end,
        });
    }

    /// How many documents it has.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of the request before they are packed.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Whether a document of so many bytes would take it over a limit. The first never does:
    /// what is too large by itself is for the server to say.
    pub fn is_full_for(&self, document: usize, limit_bytes: usize, limit_count: usize) -> bool {
        !self.is_empty() && (self.len() >= limit_count || self.bytes() + document > limit_bytes)
    }

    /// The documents with their ids.
    pub fn documents(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let of = |place: &Range<usize>| &self.body[place.clone()];
        self.places
            .iter()
            .map(move |place| (&self.ids[place.id.clone()], of(&place.document)))
    }

    /// A document by its number, with its id.
    pub fn document(&self, number: usize) -> Option<(&str, &[u8])> {
        let place = self.places.get(number)?;
        Some((
            &self.ids[place.id.clone()],
            &self.body[place.document.clone()],
        ))
    }

    /// Those documents whose number is to be kept.
    #[must_use]
    pub fn kept(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut kept = Self::default();
        for (number, place) in self.places.iter().enumerate() {
            if keep(number) {
                let start = kept.body.len();
                let moved = |range: &Range<usize>| {
                    range.start - place.whole.start + start..range.end - place.whole.start + start
                };
                let first = kept.ids.len();
                kept.ids.push_str(&self.ids[place.id.clone()]);
                kept.places.push(Place {
                    id: first..kept.ids.len(),
                    whole: moved(&place.whole),
                    document: moved(&place.document),
                });
                kept.body.extend_from_slice(&self.body[place.whole.clone()]);
            }
        }
        kept
    }

    /// Two halves, by bytes; the second is empty if there is one document only.
    pub fn halves(&self) -> (Self, Self) {
        let middle = self.body.len() / 2;
        let before = self.places.iter().filter(|place| place.whole.end <= middle);
        let first = before.count().max(1);
        (
            self.kept(|number| number < first),
            self.kept(|number| number >= first),
        )
    }

    /// The body, packed. Little effort takes logs to a tenth; more costs more time than the
    /// network saves.
    pub fn packed(&self) -> Bytes {
        let packed = self.packed.clone();
        packed.unwrap_or_else(|| gzip(&self.body).into())
    }

    /// Frees what was packed of it, if it isn't to be sent soon.
    pub fn forget_packed(&mut self) {
        self.packed = None;
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// A batch that documents are still added to. It is packed meanwhile, since what was just written is
/// near the processor still.
#[derive(Debug)]
pub struct Gathering {
    batch: Batch,
    packer: GzEncoder<Vec<u8>>,
    /// How much of the body is packed.
    packed: usize,
}

impl Gathering {
    /// An empty one, of documents up to so many bytes. Memory is taken up only by what is written.
    pub fn up_to(limit_bytes: usize) -> Self {
        let batch = Batch {
            // What grows is copied. The action before the last document isn't counted, see `is_full_for`.
            body: Vec::with_capacity(limit_bytes + 1024),
            ..Batch::default()
        };
        Self {
            batch,
            packer: packer(limit_bytes),
            packed: 0,
        }
    }

    /// Adds a document, which is one line of JSON.
    pub fn push(&mut self, id: &str, document: &[u8]) {
        self.batch.push(id, document);
        if self.batch.bytes() - self.packed >= PACKED_AT_ONCE {
            self.pack();
        }
    }

    /// What was gathered.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The whole batch, packed.
    pub fn finish(mut self) -> Batch {
        self.pack();
        // Writing to memory can't fail.
        self.batch.packed = self.packer.finish().ok().map(Bytes::from);
        self.batch
    }

    fn pack(&mut self) {
        // Writing to memory can't fail.
        let _ = self.packer.write_all(&self.batch.body[self.packed..]);
        self.packed = self.batch.body.len();
    }
}

/// Packs bytes with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = packer(bytes.len());
    // Writing to memory can't fail.
    let _ = packer.write_all(bytes);
    packer.finish().unwrap_or_default()
}

/// With room for what so many bytes mostly become.
fn packer(bytes: usize) -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::with_capacity(bytes / 6 + 64), Compression::fast())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn batch(documents: &[(String, String)]) -> Batch {
        let mut batch = Batch::default();
        for (id, document) in documents {
            batch.push(id, document.as_bytes());
        }
        batch
    }

    fn read(batch: &Batch) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        batch
            .documents()
            .map(|(id, document)| (id.to_owned(), text(document)))
            .collect()
    }

    #[test]
    fn a_body_is_one_action_and_one_document_a_line() {
        let mut batch = Batch::default();
        batch.push("a\"b", b"{}");
        assert_eq!(batch.body(), b"{\"create\":{\"_id\":\"a\\\"b\"}}\n{}\n");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&batch.packed()[..])
            .read_to_end(&mut unpacked)
            .expect("gzip");
        assert_eq!(unpacked, batch.body());
    }

    #[test]
    fn what_is_packed_while_it_grows_is_the_body() {
        let mut gathering = Gathering::up_to(1_000_000);
        let mut batch = Batch::default();
        for number in 0..3_000 {
            let document = format!("{{\"message\":\"event {}\"}}", number * 7919 % 997);
            gathering.push(&number.to_string(), document.as_bytes());
            batch.push(&number.to_string(), document.as_bytes());
        }
        assert!(batch.bytes() > PACKED_AT_ONCE);
        let mut gathered = gathering.finish();
        for packed in [gathered.packed(), batch.packed()] {
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&packed[..])
                .read_to_end(&mut unpacked)
                .expect("gzip");
            assert!(unpacked == batch.body());
        }
        let rest = gathered.kept(|number| number < 2);
        assert_eq!(rest.packed(), gzip(rest.body()));
        gathered.forget_packed();
        assert_eq!(gathered, batch);
        assert_eq!(gathered.packed(), gzip(batch.body()));
    }

    #[test]
    fn a_batch_is_full_by_bytes_or_by_count_but_never_when_it_is_empty() {
        let mut batch = Batch::default();
        assert!(!batch.is_full_for(1000, 10, 1));
        batch.push("1", b"{}");
        assert!(batch.is_full_for(1000, 1000, 9));
        assert!(!batch.is_full_for(2, 1000, 9));
        assert!(batch.is_full_for(2, 1000, 1));
    }

    proptest! {
        #[test]
        fn parts_of_a_batch_are_its_documents(
            documents in prop::collection::vec(("[a-z0-9]{1,9}", "[a-z{}\"]{0,50}"), 1..20), keep in any::<u32>(),
        ) {
            let whole = batch(&documents);
            prop_assert_eq!(&read(&whole), &documents);
            let (first, second) = whole.halves();
            prop_assert!(!first.is_empty());
            prop_assert_eq!(second.is_empty(), documents.len() == 1);
            prop_assert_eq!([read(&first), read(&second)].concat(), documents.clone());
            let kept = whole.kept(|number| keep >> number & 1 == 1);
            let wanted: Vec<_> = documents.iter().enumerate().filter(|(number, _)| keep >> number & 1 == 1).map(|(_, own)| own.clone()).collect();
            prop_assert_eq!(read(&kept), wanted.clone());
            prop_assert_eq!(kept, batch(&wanted));
        }
    }
}
