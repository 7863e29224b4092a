#!/bin/bash
# Sets up the log shippers of this machine, or brings them up to date; safe to run again.
# `install.sh refresh` only looks for new credentials. Shippers are set up independently of each
# other; the exit code is 1 if one failed.
set -euo pipefail
umask 077

readonly etc=/etc/logfleet state=/var/lib/logfleet
readonly filebeat=(/usr/share/filebeat/bin/filebeat -c "$etc/filebeat.yml" --path.home /usr/share/filebeat --path.config "$etc" --path.data "$state/filebeat" --path.logs /var/log/logfleet)

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

install_filebeat() {
  local version=8.19.0 repository=https://artifacts.elastic.co/packages/oss-8.x
  local installed
  installed=$(/usr/share/filebeat/bin/filebeat version 2>/dev/null || true)
  [[ $installed != *"version $version "* ]] || return 0
  # https://www.elastic.co/docs/reference/beats/filebeat/setup-repositories
  signing_key https://artifacts.elastic.co/GPG-KEY-elasticsearch 46095ACC8548582C1A2699A9D27D666CD88E42B4 "$etc/elastic.asc"
  if command -v apt-get >/dev/null; then
    install -m 0644 "$etc/elastic.asc" /usr/share/keyrings/logfleet-elastic.asc
    echo "deb [signed-by=/usr/share/keyrings/logfleet-elastic.asc] $repository/apt stable main" | write /etc/apt/sources.list.d/logfleet-elastic.list 0644
    packages "filebeat=$version"
  else
    rpm --import "$etc/elastic.asc"
    printf '%s\n' '[logfleet-elastic]' name=logfleet-elastic "baseurl=$repository/yum" gpgcheck=1 enabled=1 | write /etc/yum.repos.d/logfleet-elastic.repo 0644
    packages "filebeat-$version"
  fi
  touch "$restart"
}

# Fetches credentials with this machine's role. They only go through pipes, so that they are never
# in a command line or a log.
refresh() {
  local secret digest
  command -v aws >/dev/null || packages awscli || snap install aws-cli --classic
  [[ -e $state/filebeat/filebeat.keystore ]] || "${filebeat[@]}" keystore create
  secret=$(aws --region eu-central-1 secretsmanager get-secret-value --secret-id logfleet/staging-eu.k8s.example.com/main --query SecretString --output text)
  digest=$(sha256sum <<<"$secret")
  if [[ $digest != "$(cat "$state/credential-1" 2>/dev/null)" ]]; then
    value api_key <<<"$secret" | "${filebeat[@]}" keystore add LOGFLEET_MAIN_API_KEY --stdin --force
    value id <<<"$secret" | "${filebeat[@]}" keystore add LOGFLEET_MAIN_API_KEY_ID --stdin --force
    touch "$restart"
    echo "$digest" >"$state/credential-1"
  fi
}

write_filebeat() {
  write "$etc/filebeat.yml" <<'LOGFLEET_END'
# Ships the system and kernel logs of the nodes of the cluster "staging-eu.k8s.example.com".
# Installed as /etc/logfleet/filebeat.yml. Rotated files are recognized by their first bytes,
# whatever their name and inode.
filebeat.inputs:
  - type: journald
    id: "logfleet-kernel"
    index: "logs-machines.system-staging_eu_k8s_example_com"
    include_matches.match: [_TRANSPORT=kernel]
  - type: journald
    id: "logfleet-units"
    index: "logs-machines.system-staging_eu_k8s_example_com"
    # Everything but the kernel's lines.
    include_matches.match: [_TRANSPORT=audit, _TRANSPORT=driver, _TRANSPORT=journal, _TRANSPORT=stdout, _TRANSPORT=syslog]
    processors:
      - drop_event:
          when:
            or:
              # shipping it would never end
              - equals: { systemd.unit: "amazon-cloudwatch-agent.service" }
              - equals: { systemd.unit: "logfleet-filebeat.service" }
              - equals: { systemd.unit: "logfleet-logstash.service" }
              - equals: { systemd.unit: "logfleet-refresh.service" }
              # Fluentd ships it: the source kubernetes.nodes
              - equals: { systemd.unit: "docker.service" }
              - equals: { systemd.unit: "kubelet.service" }
  - type: filestream
    id: "logfleet-cloud-init"
    index: "logs-machines.system-staging_eu_k8s_example_com"
    paths: ["/var/log/cloud-init-output.log"]
    file_identity.fingerprint: {}
    prospector.scanner.fingerprint: { enabled: true, offset: 0, length: 256 }
  - type: filestream
    id: "logfleet-dpkg"
    index: "logs-machines.system-staging_eu_k8s_example_com"
    paths: ["/var/log/dpkg.log"]
    file_identity.fingerprint: {}
    prospector.scanner.fingerprint: { enabled: true, offset: 0, length: 256 }
  - type: filestream
    id: "logfleet-unattended-upgrades"
    index: "logs-machines.system-staging_eu_k8s_example_com"
    paths: ["/var/log/unattended-upgrades/unattended-upgrades.log"]
    file_identity.fingerprint: {}
    prospector.scanner.fingerprint: { enabled: true, offset: 0, length: 256 }
processors:
  - add_fields:
      target: ""
      fields:
        cluster: { name: "staging-eu.k8s.example.com", environment: "staging", region: "eu-central-1", account: "444455556666" }
        machine: { role: nodes }
  # The field names that Fluentd uses for the journal.
  - rename:
      fields:
        - { from: syslog.identifier, to: systemd.identifier }
        - { from: syslog.priority, to: systemd.priority }
        - { from: journald.pid, to: systemd.pid }
      ignore_missing: true
      fail_on_error: false
  # The same line always has the same id, so a resent line is stored once.
  - if:
      has_fields: [log.offset]
    then:
      - fingerprint: { fields: [host.name, log.file.fingerprint, log.offset, message], ignore_missing: true, target_field: "@metadata._id" }
    else:
      - fingerprint: { fields: ["@timestamp", host.name, message, systemd.identifier, systemd.pid, systemd.transport, systemd.unit], ignore_missing: true, target_field: "@metadata._id" }
  - drop_fields:
      fields: [agent, container, ecs, event, host.hostname, host.id, input, journald, log.file.device_id, log.file.fingerprint, log.file.inode, log.syslog, message_id, syslog, systemd.cgroup, systemd.invocation_id, systemd.owner_uid, systemd.session, systemd.slice, systemd.user_slice, systemd.user_unit]
      ignore_missing: true
# Waiting events are on disk, so neither a restart nor a server that is down loses them.
queue.disk:
  max_size: "1024MiB"
output.elasticsearch:
  hosts: ["https://logs-staging.example.com:9200"]
  # From the keystore, which install.sh fills from AWS Secrets Manager.
  api_key: "${LOGFLEET_MAIN_API_KEY_ID}:${LOGFLEET_MAIN_API_KEY}"
  ssl.certificate_authorities: [/etc/logfleet/main.pem]
  ssl.verification_mode: full
  ssl.supported_protocols: [TLSv1.2, TLSv1.3]
  # For events without one; all events here have one.
  index: "logs-machines.system-staging_eu_k8s_example_com"
  compression_level: 1
  timeout: 60
  backoff.max: 60s
# All of this is created before the first record is sent; the credential isn't allowed to.
setup.template.enabled: false
setup.ilm.enabled: false
# To a file, not to the journal, which Filebeat reads.
logging.level: warning
logging.to_files: true
logging.files: { path: /var/log/logfleet, name: filebeat, rotateeverybytes: 10485760, keepfiles: 3 }
logging.metrics.enabled: false
LOGFLEET_END
  write "$etc/main.pem" 0644 <<'LOGFLEET_END'
-----BEGIN CERTIFICATE-----
MIIBwDCCAWegAwIBAgIUNe7nQEq4sznfh2PECnJ5x9+b6ZowCgYIKoZIzj0EAwIw
NjEQMA4GA1UECgwHRXhhbXBsZTEiMCAGA1UEAwwZRXhhbXBsZSBsb2dzIENBIChz
dGFnaW5nKTAeFw0yNjExMjMyMTEyMDNaFw00NjExMTgyMTEyMDNaMDYxEDAOBgNV
BAoMB0V4YW1wbGUxIjAgBgNVBAMMGUV4YW1wbGUgbG9ncyBDQSAoc3RhZ2luZykw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQBX5Ph0q4RSced+niuUXFHd7kluhV+
hR1hEUZo8PdFK4VZ3jwTWBeuTKGUz+H8WCWALc4pV0BtGgO1wKHn5SLQo1MwUTAd
BgNVHQ4EFgQUfpaBAVVX3hYzXR/bnwmqk2oI1JUwHwYDVR0jBBgwFoAUfpaBAVVX
3hYzXR/bnwmqk2oI1JUwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBE
AiA7mIBIaULtafNoZ+92sPSneca8RDLz1M7ONMZY+qjy4QIgT6O2TWpQkN2jDVfc
VBsPa4I7s34sr1eW7VBgxenZCKY=
-----END CERTIFICATE-----
LOGFLEET_END
  write /etc/systemd/system/logfleet-filebeat.service 0644 <<'LOGFLEET_END'
[Unit]
Description=Ships the logs of this machine
Documentation=https://www.elastic.co/docs/reference/beats/filebeat
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/share/filebeat/bin/filebeat --environment systemd -c /etc/logfleet/filebeat.yml --path.home /usr/share/filebeat --path.config /etc/logfleet --path.data /var/lib/logfleet/filebeat --path.logs /var/log/logfleet
Restart=always
RestartSec=10
# It can read all logs, and do nothing else.
CapabilityBoundingSet=CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/var/lib/logfleet /var/log/logfleet
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryMax=512M

[Install]
WantedBy=multi-user.target
LOGFLEET_END
  write /etc/systemd/system/logfleet-refresh.service 0644 <<'LOGFLEET_END'
[Unit]
Description=Looks for new credentials of the log shippers
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=/bin/bash /etc/logfleet/install.sh refresh
LOGFLEET_END
  write /etc/systemd/system/logfleet-refresh.timer 0644 <<'LOGFLEET_END'
[Unit]
Description=Looks for new credentials of the log shippers every hour

[Timer]
OnBootSec=1min
OnUnitActiveSec=1h
RandomizedDelaySec=10min

[Install]
WantedBy=timers.target
LOGFLEET_END
}

start_filebeat() {
  [[ -e $restart ]] || ! systemctl -q is-active logfleet-filebeat.service || return 0
  systemctl daemon-reload
  # The package's own service would read the same files again.
  systemctl -q disable --now filebeat.service 2>/dev/null || true
  systemctl -q enable logfleet-filebeat.service logfleet-refresh.timer
  systemctl start logfleet-refresh.timer
  systemctl restart logfleet-filebeat.service
  rm -f "$restart"
}

failed=
# Records how setting up a shipper ended.
ended() { (($2 == 0)) || failed+=" $1"; }

command -v systemctl >/dev/null || {
  echo "nothing was set up: this machine has no systemd or can't install packages" >&2
  exit 0
}
install -d -m 0700 "$etc" "$state" /var/log/logfleet
set +e
(
  set -e
  restart=$state/restart-filebeat
  if [[ ${1:-} != refresh ]]; then
    install_filebeat
    write_filebeat
  fi
  refresh
  start_filebeat
)
ended filebeat $?
if [[ $failed ]]; then
  echo "failed:$failed" >&2
  exit 1
fi
