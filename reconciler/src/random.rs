//! Random numbers of the operating system. IO.

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::fault::Fault;

/// Bytes of a password: more than anybody can try.
const PASSWORD_BYTES: usize = 32;

fn fill(bytes: &mut [u8]) -> Result<(), Fault> {
    getrandom::fill(bytes).map_err(|error| {
        Fault::new(
            "random numbers",
            format!("the operating system gives none: {error}"),
        )
    })
}

/// A text of random bytes, twice as many hexadecimal digits: an identifier, not a secret.
pub fn hex(bytes: usize) -> Result<String, Fault> {
    let mut buffer = vec![0; bytes];
    fill(&mut buffer)?;
    Ok(base16ct::lower::encode_string(&buffer))
}

/// A new password of 256 random bits. The prefix has what a server may demand of a password by its rules:
/// capital and small letters, a digit and a special character
/// (`plugins.security.restapi.password_validation_regex`,
/// <https://docs.opensearch.org/latest/security/configuration/yaml/>).
pub fn password() -> Result<SecretString, Fault> {
    let mut bytes = Zeroizing::new([0; PASSWORD_BYTES]);
    fill(bytes.as_mut_slice())?;
    let mut digits = Zeroizing::new([0; PASSWORD_BYTES * 2]);
    let text = base16ct::lower::encode_str(bytes.as_slice(), digits.as_mut_slice())
        .map_err(|error| Fault::new("random numbers", error.to_string()))?;
    // Allocated once at its full length, so that no copy is left behind unwiped.
    let mut password = String::with_capacity(PASSWORD_BYTES * 2 + 4);
    password.push_str("Lf0-");
    password.push_str(text);
    Ok(SecretString::from(password))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn passwords_differ_and_meet_common_rules() {
        let one = password().expect("random");
        let other = password().expect("random");
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), 68);
        assert!(!format!("{one:?}").contains("Lf0"));
    }
}
