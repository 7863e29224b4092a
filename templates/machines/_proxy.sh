{%- if proxy %}
# Packages, keys and credentials come through the proxy; every program here reads small letters.
export no_proxy={{ proxy.no_proxy_of_machines | shell }}{% if proxy.http %} http_proxy={{ proxy.http | shell }}{% endif %}{% if proxy.https %} https_proxy={{ proxy.https | shell }}{% endif %}
{%- endif %}
{#- The end, without a line break. -#}
