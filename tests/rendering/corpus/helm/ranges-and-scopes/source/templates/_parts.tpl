{{- define "scopes.line" -}}
{{ .key }}={{ .value }} of {{ .root.Release.Name }}
{{- end -}}
