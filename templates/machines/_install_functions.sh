# Writes standard input to a file if its content differs; the shipper is then restarted, in the next
# run if this one doesn't get that far.
write() {
  local file=$1 mode=${2:-0600} new
  new=$(mktemp)
  cat >"$new"
  if cmp -s "$new" "$file"; then
    rm -f "$new"
  else
    touch "$restart"
    install -D -m "$mode" "$new" "$file"
    rm -f "$new"
  fi
}

packages() {
  if command -v apt-get >/dev/null; then
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends --allow-downgrades "$@"
  elif command -v dnf >/dev/null; then
    dnf -q -y install "$@"
  else
    yum -q -y install "$@"
  fi
}

# Downloads a signing key and verifies its fingerprint.
signing_key() {
  local url=$1 fingerprint=$2 file=$3
  command -v gpg >/dev/null || packages gnupg2
  curl -fsSL --proto '=https' --retry 5 -o "$file.new" "$url"
  gpg --batch --show-keys --with-colons "$file.new" | grep -x "fpr:::::::::$fingerprint:" >/dev/null || {
    echo "the key at $url is not $fingerprint" >&2
    exit 1
  }
  install -m 0644 "$file.new" "$file"
}

# Prints the value of a key in a secret's JSON from standard input.
value() { python3 -c 'import json, sys; sys.stdout.write(json.load(sys.stdin)[sys.argv[1]])' "$1"; }