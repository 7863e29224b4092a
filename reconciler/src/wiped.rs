//! JSON that is wiped when it isn't needed any more, since it may hold a secret. Pure.

use serde_json::Value;
use zeroize::Zeroize;

/// A value whose texts are overwritten when it is dropped.
#[derive(Clone, Debug)]
pub struct Wiped(pub Value);

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}
