{%- set role = machines.masters -%}
{%- if role -%}
{% include "machines/_install.sh" %}
{% endif -%}
