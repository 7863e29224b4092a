{%- if machines.logstash and machines.logstash.runs_on == "machine" -%}
{% include "machines/_logstash_install.sh" %}
{% endif -%}
