{%- set role = machines.nodes -%}
{%- if role -%}
{% include "machines/_install.sh" %}
{% endif -%}
