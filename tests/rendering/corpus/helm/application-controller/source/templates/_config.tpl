{{- define "cd.params.presets" -}}
server.rootpath: /
reposerver.server: {{ printf "%s-repo-server:%s" .Release.Name "8081" }}
{{- end -}}
{{- define "cd.params" -}}
{{- $config := omit .Values.configs.params "create" -}}
{{- $preset := include "cd.params.presets" . | fromYaml | default dict -}}
{{- range $key, $value := mergeOverwrite $preset $config }}
{{ $key }}: {{ toString $value | toYaml }}
{{- end }}
{{- end -}}
