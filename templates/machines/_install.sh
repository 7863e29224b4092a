{#- Everything that a machine of a role needs; `role` is set by whoever includes it. -#}
#!/bin/bash
# Sets up the log shippers of this machine, or brings them up to date; safe to run again.
# `install.sh refresh` only looks for new credentials. Shippers are set up independently of each
# other; the exit code is 1 if one failed.
set -euo pipefail
umask 077

readonly etc=/etc/logfleet state=/var/lib/logfleet
{%- include "machines/_proxy.sh" %}
{%- if role.filebeat %}
readonly filebeat=(/usr/share/filebeat/bin/filebeat -c "$etc/filebeat.yml" --path.home /usr/share/filebeat --path.config "$etc" --path.data "$state/filebeat" --path.logs /var/log/logfleet)
{%- endif %}

{% include "machines/_install_functions.sh" %}
{% if role.filebeat %}
install_filebeat() {
  local version={{ role.filebeat.version | shell }} repository=https://artifacts.elastic.co/packages/oss-{{ role.filebeat.major }}.x
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
{% endif %}
{%- if role.cloudwatch_agent %}
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/verify-CloudWatch-Agent-Package-Signature.html
install_cloudwatch_agent() {
  local version={{ role.cloudwatch_agent.version | shell }} region={{ role.cloudwatch_agent.region | shell }} folder architecture system=amazon_linux suffix=rpm
  [[ $(cat "$state/cloudwatch-agent" 2>/dev/null) != "$version" ]] || return 0
  command -v apt-get >/dev/null && system=debian suffix=deb
  architecture=amd64
  [[ $(uname -m) != aarch64 ]] || architecture=arm64
  folder=$(mktemp -d)
  signing_key https://amazoncloudwatch-agent.s3.amazonaws.com/assets/amazon-cloudwatch-agent.gpg 937616F3450B7D806CBD9725D58167303B789C72 "$folder/key"
  for file in "agent.$suffix" "agent.$suffix.sig"; do
    curl -fsSL --proto '=https' --retry 5 -o "$folder/$file" "https://amazoncloudwatch-agent-$region.s3.$region.{{ aws.dns_suffix }}/$system/$architecture/$version/amazon-cloudwatch-$file"
  done
  gpg --batch --homedir "$folder" --import "$folder/key"
  gpg --batch --homedir "$folder" --verify "$folder/agent.$suffix.sig" "$folder/agent.$suffix"
  chmod 0755 "$folder"
  packages "$folder/agent.$suffix"
  rm -rf "$folder"
  touch "$restart"
  echo "$version" >"$state/cloudwatch-agent"
}
{% endif %}
{%- if role.secrets %}
# Fetches credentials with this machine's role. They only go through pipes, so that they are never
# in a command line or a log.
refresh() {
  local secret digest
  command -v aws >/dev/null || packages awscli || snap install aws-cli --classic
{%- if role.filebeat %}
  [[ -e $state/filebeat/filebeat.keystore ]] || "${filebeat[@]}" keystore create
{%- endif %}
{%- for secret in role.secrets %}
  secret=$(aws --region {{ cluster.region | shell }} secretsmanager get-secret-value --secret-id {{ secret.secrets_manager_name | shell }} --query SecretString --output text)
  digest=$(sha256sum <<<"$secret")
  if [[ $digest != "$(cat "$state/credential-{{ loop.index }}" 2>/dev/null)" ]]; then
{%- for pair in secret.keystore | pairs %}
    value {{ pair[0] | shell }} <<<"$secret" | "${filebeat[@]}" keystore add {{ pair[1] }} --stdin --force
{%- endfor %}
{%- for pair in secret.files | pairs %}
    value {{ pair[0] | shell }} <<<"$secret" | write "$etc/{{ pair[1] }}"
{%- endfor %}
    touch "$restart"
    echo "$digest" >"$state/credential-{{ loop.index }}"
  fi
{%- endfor %}
}
{% endif %}
{%- if role.filebeat and machines.logstash and machines.logstash.by_node %}
# Logstash has a port on each node, so the machine connects to itself, using the name in Logstash's
# certificate.
name_logstash() {
  local imds=http://169.254.169.254/latest token address kind lines=''
  # A machine without any IPv4 address only answers on the other one.
  token=$(imds_token "$imds") || {
    imds='http://[fd00:ec2::254]/latest'
    token=$(imds_token "$imds")
  }
  # A machine has one or both; a node's port is open on the addresses of the cluster's IP family.
  for kind in local-ipv4 ipv6; do
    address=$(curl -fsg --retry 5 -H "X-aws-ec2-metadata-token: $token" "$imds/meta-data/$kind") || continue
    lines+="$address {{ machines.logstash.host }} # logfleet"$'\n'
  done
  [[ $lines ]] || {
    echo "this machine's addresses are unknown: the instance metadata service doesn't answer" >&2
    exit 1
  }
  { sed '/ # logfleet$/d' /etc/hosts; printf %s "$lines"; } | write /etc/hosts 0644
}

imds_token() { curl -fsSg --connect-timeout 5 --retry 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$1/api/token"; }
{% endif %}
{%- if role.filebeat %}
write_filebeat() {
  write "$etc/filebeat.yml" <<'LOGFLEET_END'
{% include "machines/_filebeat.yml" %}
LOGFLEET_END
{%- if role.filebeat.destination and machines.certificates[role.filebeat.destination] is defined %}
  write "$etc/{{ role.filebeat.destination }}.pem" 0644 <<'LOGFLEET_END'
{{ machines.certificates[role.filebeat.destination] | trim }}
LOGFLEET_END
{%- endif %}
  write /etc/systemd/system/logfleet-filebeat.service 0644 <<'LOGFLEET_END'
{% include "machines/_logfleet-filebeat.service" %}
LOGFLEET_END
{%- if role.secrets %}
  write /etc/systemd/system/logfleet-refresh.service 0644 <<'LOGFLEET_END'
{% include "machines/_logfleet-refresh.service" %}
LOGFLEET_END
  write /etc/systemd/system/logfleet-refresh.timer 0644 <<'LOGFLEET_END'
{% include "machines/_logfleet-refresh.timer" %}
LOGFLEET_END
{%- endif %}
}

start_filebeat() {
  [[ -e $restart ]] || ! systemctl -q is-active logfleet-filebeat.service || return 0
  systemctl daemon-reload
  # The package's own service would read the same files again.
  systemctl -q disable --now filebeat.service 2>/dev/null || true
  systemctl -q enable logfleet-filebeat.service{% if role.secrets %} logfleet-refresh.timer{% endif %}
{%- if role.secrets %}
  systemctl start logfleet-refresh.timer
{%- endif %}
  systemctl restart logfleet-filebeat.service
  rm -f "$restart"
}
{% endif %}
{%- if role.cloudwatch_agent %}
write_cloudwatch_agent() {
  write "$etc/amazon-cloudwatch-agent.json" 0644 <<'LOGFLEET_END'
{% filter canonical_json %}{% include "machines/_amazon-cloudwatch-agent.json" %}{% endfilter %}
LOGFLEET_END
{%- if proxy %}
  # Not in its common-config.toml, which can contain other settings.
  write /etc/systemd/system/amazon-cloudwatch-agent.service.d/logfleet-proxy.conf 0644 <<'LOGFLEET_END'
[Service]
{%- include "machines/_proxy.service" %}
LOGFLEET_END
  systemctl daemon-reload
{%- endif %}
}

start_cloudwatch_agent() {
  [[ -e $restart ]] || return 0
  # In addition to other settings of this agent that the machine may have.
  /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a append-config -m ec2 -s -c "file:$etc/amazon-cloudwatch-agent.json"
  rm -f "$restart"
}
{% endif %}
failed=
# Records how setting up a shipper ended.
ended() { (($2 == 0)) || failed+=" $1"; }

command -v systemctl >/dev/null || {
  echo "nothing was set up: this machine has no systemd or can't install packages" >&2
  exit 0
}
install -d -m 0700 "$etc" "$state" /var/log/logfleet
set +e
{%- if role.filebeat %}
(
  set -e
  restart=$state/restart-filebeat
{%- if role.secrets %}
  if [[ ${1:-} != refresh ]]; then
    install_filebeat
    write_filebeat
  fi
{%- if machines.logstash and machines.logstash.by_node %}
  name_logstash
{%- endif %}
  refresh
{%- else %}
  install_filebeat
  write_filebeat
{%- if machines.logstash and machines.logstash.by_node %}
  name_logstash
{%- endif %}
{%- endif %}
  start_filebeat
)
ended filebeat $?
{%- endif %}
{%- if role.cloudwatch_agent %}
{%- if role.secrets %}
if [[ ${1:-} != refresh ]]; then
{%- endif %}
(
  set -e
  restart=$state/restart-cloudwatch-agent
  install_cloudwatch_agent
  write_cloudwatch_agent
  start_cloudwatch_agent
)
ended cloudwatch-agent $?
{%- if role.secrets %}
fi
{%- endif %}
{%- endif %}
if [[ $failed ]]; then
  echo "failed:$failed" >&2
  exit 1
fi