{%- set logstash = machines.logstash -%}
#!/bin/bash
# Sets up Logstash on this machine, or brings it up to date; safe to run again. `install.sh refresh`
# only looks for new credentials.
set -euo pipefail
umask 077

readonly etc=/etc/logfleet state=/var/lib/logfleet restart=/var/lib/logfleet/restart-logstash
{%- include "machines/_proxy.sh" %}
# Only the package's own user reads its settings.
export LS_PATH_CONF=$etc/logstash

{% include "machines/_install_functions.sh" %}

install_logstash() {
  local version={{ logstash.version | shell }} repository=https://artifacts.elastic.co/packages/oss-{{ logstash.major }}.x
  [[ $(cat "$state/logstash-version" 2>/dev/null) != "$version" ]] || return 0
  # https://www.elastic.co/docs/reference/logstash/installing-logstash
  signing_key https://artifacts.elastic.co/GPG-KEY-elasticsearch 46095ACC8548582C1A2699A9D27D666CD88E42B4 "$etc/elastic.asc"
  if command -v apt-get >/dev/null; then
    install -m 0644 "$etc/elastic.asc" /usr/share/keyrings/logfleet-elastic.asc
    echo "deb [signed-by=/usr/share/keyrings/logfleet-elastic.asc] $repository/apt stable main" | write /etc/apt/sources.list.d/logfleet-elastic.list 0644
    packages "logstash-oss=1:$version-1"
  else
    rpm --import "$etc/elastic.asc"
    printf '%s\n' '[logfleet-elastic]' name=logfleet-elastic "baseurl=$repository/yum" gpgcheck=1 enabled=1 | write /etc/yum.repos.d/logfleet-elastic.repo 0644
    packages "logstash-oss-$version"
  fi
{%- for destination in destinations %}
{%- if destination.name in logstash.destinations and destination.backend == "opensearch" %}
  /usr/share/logstash/bin/logstash-plugin list logstash-output-opensearch >/dev/null 2>&1 || /usr/share/logstash/bin/logstash-plugin install --version 2.0.3 logstash-output-opensearch
{%- break %}
{%- endif %}
{%- endfor %}
  touch "$restart"
  echo "$version" >"$state/logstash-version"
}

# Fetches credentials with this machine's role. They only go through pipes, so that they are never
# in a command line or a log.
refresh() {
  local secret digest LOGSTASH_KEYSTORE_PASS
  command -v aws >/dev/null || packages awscli || snap install aws-cli --classic
  # The keystore's own password stays on this machine.
  [[ -s $state/keystore-password ]] || head -c 32 /dev/urandom | base64 >"$state/keystore-password"
  LOGSTASH_KEYSTORE_PASS=$(cat "$state/keystore-password")
  export LOGSTASH_KEYSTORE_PASS
  printf 'LOGSTASH_KEYSTORE_PASS=%s\n' "$LOGSTASH_KEYSTORE_PASS" | write "$etc/logstash.environment"
  [[ -e $etc/logstash/logstash.keystore ]] || /usr/share/logstash/bin/logstash-keystore --path.settings "$etc/logstash" create
{%- for secret in logstash.secrets %}
  secret=$(aws --region {{ cluster.region | shell }} secretsmanager get-secret-value --secret-id {{ secret.secrets_manager_name | shell }} --query SecretString --output text)
  digest=$(sha256sum <<<"$secret")
  if [[ $digest != "$(cat "$state/credential-{{ loop.index }}" 2>/dev/null)" ]]; then
{%- for pair in secret.keystore | pairs %}
    value {{ pair[0] | shell }} <<<"$secret" | /usr/share/logstash/bin/logstash-keystore --path.settings "$etc/logstash" add {{ pair[1] }} --stdin --force
{%- endfor %}
{%- for pair in secret.files | pairs %}
    value {{ pair[0] | shell }} <<<"$secret" | write "$etc/{{ pair[1] }}"
{%- endfor %}
    touch "$restart"
    echo "$digest" >"$state/credential-{{ loop.index }}"
  fi
{%- endfor %}
  chown -R logstash: "$etc" "$state/logstash"
}

write_files() {
  write "$etc/logstash/logstash.yml" <<'LOGFLEET_END'
{% set data = "/var/lib/logfleet/logstash" %}{% set api = "127.0.0.1" %}{% include "machines/_logstash.yml" %}
LOGFLEET_END
  write "$etc/logstash/pipelines.yml" <<'LOGFLEET_END'
{% set pipelines = "/etc/logfleet/logstash/" %}{% include "machines/_logstash_pipelines.yml" %}
LOGFLEET_END
  write "$etc/logstash/pipeline.conf" <<'LOGFLEET_END'
{% set certificates = "/etc/logfleet/logstash." %}{% include "machines/_logstash_pipeline.conf" %}
LOGFLEET_END
{%- set authorities = "/etc/logfleet/" %}{% set credentials = "/etc/logfleet/" %}{% set separator = "" %}
{%- for destination in destinations %}
{%- if destination.name in logstash.destinations %}
  write "$etc/logstash/output-{{ destination.name }}.conf" <<'LOGFLEET_END'
{% include "machines/_logstash_output.conf" %}
LOGFLEET_END
{%- if machines.certificates[destination.name] is defined %}
  write "$etc/{{ destination.name | replace(from="_", to="-") }}.pem" 0644 <<'LOGFLEET_END'
{{ machines.certificates[destination.name] | trim }}
LOGFLEET_END
{%- endif %}
{%- endif %}
{%- endfor %}
  write "$etc/logstash/jvm.options" <<'LOGFLEET_END'
-Xms{{ logstash.heap_mebibytes }}m
-Xmx{{ logstash.heap_mebibytes }}m
LOGFLEET_END
  write /etc/systemd/system/logfleet-logstash.service 0644 <<'LOGFLEET_END'
{% include "machines/_logfleet-logstash.service" %}
LOGFLEET_END
  write /etc/systemd/system/logfleet-refresh.service 0644 <<'LOGFLEET_END'
{% include "machines/_logfleet-refresh.service" %}
LOGFLEET_END
  write /etc/systemd/system/logfleet-refresh.timer 0644 <<'LOGFLEET_END'
{% include "machines/_logfleet-refresh.timer" %}
LOGFLEET_END
}

install -d -m 0700 "$etc" "$etc/logstash" "$state" "$state/logstash"
if [[ ${1:-} == refresh ]]; then
  refresh
else
  install_logstash
  write_files
  refresh
fi
if [[ -e $restart ]] || ! systemctl -q is-active logfleet-logstash.service; then
  systemctl daemon-reload
  # The package's own service would take the same port.
  systemctl -q disable --now logstash.service 2>/dev/null || true
  systemctl -q enable logfleet-logstash.service logfleet-refresh.timer
  systemctl start logfleet-refresh.timer
  systemctl restart logfleet-logstash.service
  rm -f "$restart"
fi