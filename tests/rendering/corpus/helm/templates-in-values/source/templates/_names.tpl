{{- define "dynamic.name" -}}{{ .Release.Name }}{{- end -}}
{{- define "dynamic.path" -}}{{ .Chart.Version | replace "." "/" }}{{- end -}}
