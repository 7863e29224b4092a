//! Which keys say that their value is a secret. Pure.

/// How keys of secrets end, without what separates their words.
const ENDINGS: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "privatekey",
    "accesskey",
    "credential",
    "credentials",
];

/// Endings that are seldom another thing's.
const LIKELY_ENDINGS: [&str; 17] = [
    "passwords",
    "apikeys",
    "pwd",
    "sharedkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "accountkey",
    "licensekey",
    "keybase",
    "keydata",
    "secretstring",
    "secrethash",
    "passwordhash",
    "dockerconfigjson",
    "connectionstring",
    "requirepass",
];

/// Last words of keys whose value is a secret if it is a text.
const WORDS_OF_TEXTS: [&str; 5] = ["auth", "authorization", "cookie", "pass", "pw"];

/// What a key says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Nothing.
    None,
    /// It is a secret if it is a text.
    OfTexts,
    /// It is a secret, and so is all that is in it.
    OfAll,
}

/// Whether a key says that its value is a secret: `password`, `api_key`,
/// `client_secret`, also in camel case or with hyphens. A key that only speaks
/// of one (`secret_name`, `token_file`, `password_rotation_days`) does not.
pub fn is_secret_key(key: &str) -> bool {
    End::of(key.bytes()).is_one_of(&ENDINGS)
}

/// What a key says of its value, where hiding too much costs nothing.
pub fn secrecy(key: &str) -> Secrecy {
    let is_behind = |byte: &u8| !byte.is_ascii_alphabetic();
    let behind = key.bytes().rev().take_while(is_behind).count();
    let end = End::of(key.bytes().take(key.len() - behind));
    if end.is_one_of(&ENDINGS) || end.is_one_of(&LIKELY_ENDINGS) {
        Secrecy::OfAll
    } else if WORDS_OF_TEXTS.iter().any(|word| ends_with_word(key, word)) {
        Secrecy::OfTexts
    } else {
        Secrecy::None
    }
}

/// Whether what stands under a key only says where a secret is, also below a
/// key such as `password`: `valueFrom`, `secretKeyRef`, `secretName`, `Ref`.
pub fn is_reference_key(key: &str) -> bool {
    const KEYS: [&str; 13] = [
        "valueFrom",
        "secretKeyRef",
        "configMapKeyRef",
        "fieldRef",
        "secretRef",
        "remoteRef",
        "sourceRef",
        "secretStoreRef",
        "secretName",
        "secret_name",
        "Ref",
        "Fn::GetAtt",
        "Fn::ImportValue",
    ];
    KEYS.contains(&key) || key.ends_with("SecretRef")
}

/// Whether a key's value is what other keys beside it speak of: `name` of an
/// environment's variable, `Key` of a tag.
pub fn is_name_key(key: &str) -> bool {
    const KEYS: [&str; 9] = [
        "name",
        "Name",
        "key",
        "Key",
        "ParameterKey",
        "parameterKey",
        "ParameterName",
        "header",
        "Header",
    ];
    KEYS.contains(&key)
}

/// Whether a key holds the value of what is named beside it.
pub fn is_value_key(key: &str) -> bool {
    const KEYS: [&str; 9] = [
        "value",
        "Value",
        "values",
        "ParameterValue",
        "parameterValue",
        "default",
        "Default",
        "defaultValue",
        "DefaultValue",
    ];
    KEYS.contains(&key)
}

/// As long as the longest ending.
const LONGEST: usize = 16;

/// How a key ends, in lower case, without what separates its words. Keys are many,
/// and this needs no memory of its own.
struct End {
    bytes: [u8; LONGEST],
    length: usize,
}

impl End {
    fn of(key: impl DoubleEndedIterator<Item = u8>) -> Self {
        let mut end = Self {
            bytes: [0; LONGEST],
            length: 0,
        };
        let plain = key.rev().filter(u8::is_ascii_alphanumeric);
        for (place, byte) in end.bytes.iter_mut().rev().zip(plain) {
            *place = byte.to_ascii_lowercase();
            end.length += 1;
        }
        end
    }

    fn is_one_of(&self, endings: &[&str]) -> bool {
        let plain = &self.bytes[LONGEST - self.length..];
        let mut endings = endings.iter();
        endings.any(|ending| plain.ends_with(ending.as_bytes()))
    }
}

/// Whether the last word of a key is that one: `DB_PASS` and `dbPass` end with
/// `pass`, and `bypass` doesn't.
fn ends_with_word(key: &str, word: &str) -> bool {
    let key = key.trim_end_matches(|c: char| c.is_ascii_digit());
    let split = key.len().checked_sub(word.len());
    let Some((before, last)) = split.and_then(|at| key.split_at_checked(at)) else {
        return false;
    };
    let begins_word = match before.chars().next_back() {
        Some(c) if c.is_ascii_alphabetic() => {
            last.starts_with(|c: char| c.is_ascii_uppercase())
                && last.ends_with(|c: char| c.is_ascii_lowercase())
        }
        _ => true,
    };
    begins_word && last.eq_ignore_ascii_case(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ending_is_longer_than_what_is_kept_of_a_key() {
        let endings = ENDINGS.iter().chain(&LIKELY_ENDINGS);
        assert_eq!(endings.map(|ending| ending.len()).max(), Some(LONGEST));
    }

    #[test]
    fn knows_keys_that_hold_a_secret() {
        for key in [
            "password",
            "apiKey",
            "api_key",
            "client-secret",
            "TOKEN",
            "credential",
            "db.password",
        ] {
            assert!(is_secret_key(key), "{key}");
            assert_eq!(secrecy(key), Secrecy::OfAll, "{key}");
        }
        for key in [
            "secret_name",
            "token_file",
            "password_rotation_days",
            "tokens_per_second",
            "secrets",
            "key",
        ] {
            assert!(!is_secret_key(key), "{key}");
            assert_eq!(secrecy(key), Secrecy::None, "{key}");
        }
    }

    #[test]
    fn knows_keys_that_likely_hold_one() {
        for key in [
            "shared_key",
            "SECRET_KEY_BASE",
            "SecretString",
            "encryption_key",
            "passwords",
            "PASSWORD2",
            "db_pwd",
        ] {
            assert_eq!(secrecy(key), Secrecy::OfAll, "{key}");
        }
        for key in ["auth", "Authorization", "DB_PASS", "dbPass", "pass"] {
            assert_eq!(secrecy(key), Secrecy::OfTexts, "{key}");
        }
        for key in ["bypass", "token_url", "oauth", "secretsmanager", "author"] {
            assert_eq!(secrecy(key), Secrecy::None, "{key}");
        }
    }
}
