{{- define "dns.provider" -}}
{{- if eq (typeOf .Values.provider) "string" -}}
{{ .Values.provider }}
{{- else -}}
{{ .Values.provider.name }}
{{- end -}}
{{- end -}}
{{- define "dns.hasWebhook" -}}
{{- if eq (include "dns.provider" .) "webhook" }}true{{ end -}}
{{- end -}}
