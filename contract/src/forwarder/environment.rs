//! The configuration in the environment of a function, which has little room. Pure.
//!
//! It is JSON, which a reviewer can read, as long as that fits; otherwise the
//! JSON packed (zlib, base64), behind [`PACKED`].

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::{CONFIGURATION_VARIABLE, LARGEST_ENVIRONMENT};

/// How a packed configuration begins.
const PACKED: &str = "zlib:";

/// Bytes that a packed configuration may unpack to.
pub const LARGEST_UNPACKED: u64 = 256 * 1024;

/// The text as it is, if the environment has room for it, otherwise packed.
pub(super) fn fit(json: String) -> String {
    if json.len() + CONFIGURATION_VARIABLE.len() <= LARGEST_ENVIRONMENT {
        return json;
    }
    pack(&json)
}

/// Packs the JSON of a configuration.
pub fn pack(json: &str) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory can't fail.
    let _ = encoder.write_all(json.as_bytes());
    format!(
        "{PACKED}{}",
        STANDARD.encode(encoder.finish().unwrap_or_default())
    )
}

/// The JSON of a text that may be packed.
pub(super) fn unpack(text: &str) -> Result<Cow<'_, str>, String> {
    let Some(packed) = text.strip_prefix(PACKED) else {
        return Ok(Cow::Borrowed(text));
    };
    let packed = STANDARD
        .decode(packed)
        .map_err(|error| format!("it is not base64: {error}"))?;
    let mut json = String::new();
    ZlibDecoder::new(&packed[..])
        .take(LARGEST_UNPACKED + 1)
        .read_to_string(&mut json)
        .map_err(|error| format!("it can't be unpacked: {error}"))?;
    if json.len() as u64 > LARGEST_UNPACKED {
        return Err(format!("it unpacks to more than {LARGEST_UNPACKED} bytes"));
    }
    Ok(Cow::Owned(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_packed_and_read_back() {
        let small = "{\"version\":1}".to_owned();
        assert_eq!(fit(small.clone()), small);
        let groups: String = (0..200)
            .map(|number| format!("\"aws/source-{number}\":{{\"stream\":\"aws_{number}\"}},"))
            .collect();
        let large = format!("{{{groups}}}");
        let packed = fit(large.clone());
        assert!(packed.starts_with(PACKED) && packed.len() < LARGEST_ENVIRONMENT / 2);
        assert_eq!(unpack(&packed), Ok(Cow::Borrowed(large.as_str())));
        assert_eq!(unpack(&small), Ok(Cow::Borrowed(small.as_str())));
    }

    #[test]
    fn what_cannot_be_unpacked_is_told() {
        let told = |text: &str| unpack(text).expect_err("a fault");
        assert!(told("zlib:%").starts_with("it is not base64"));
        assert!(told("zlib:YWJj").starts_with("it can't be unpacked"));
        let bomb = pack(&"x".repeat(300_000));
        assert!(told(&bomb).starts_with("it unpacks to more than"));
    }
}
