{{- define "logs.memberlist" -}}{{ .Release.Name }}-memberlist.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:{{ .Values.memberlist.port }}{{- end -}}
{{- define "logs.storage" -}}
{{- if eq .Values.storage.type "s3" -}}
{{- with .Values.storage.s3 -}}
s3:
  {{- with .endpoint }}
  endpoint: {{ . }}
  {{- end }}
  region: {{ .region }}
  bucketnames: {{ $.Values.storage.bucketNames.chunks }}
  insecure: {{ .insecure }}
  {{- with .http_config }}
  http_config: {{ toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- else if eq .Values.storage.type "filesystem" -}}
filesystem: {chunks_directory: /var/logs/chunks}
{{- end -}}
{{- end -}}
{{- define "logs.config" -}}
{{- tpl (mergeOverwrite (tpl .Values.config . | fromYaml) .Values.structuredConfig | toYaml) . -}}
{{- end -}}
