{{- define "worker.labels" -}}
app: {{ .Chart.Name }}
release: {{ .Release.Name }}
{{- end }}
