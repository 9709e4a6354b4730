{{- define "orders.deployment" -}}
apiVersion: {{ include "toolbox.deployment.apiVersion" . }}
kind: Deployment
metadata:
  name: {{ template "toolbox.fullname" . }}
  namespace: {{ include "toolbox.namespace" . | quote }}
  labels: {{- include "toolbox.labels" (dict "customLabels" .Values.commonLabels "context" $) | nindent 4 }}
spec:
  selector:
    matchLabels: {{- include "toolbox.matchLabels" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "toolbox.labels" (dict "customLabels" .Values.commonLabels "context" $) | nindent 8 }}
    spec:
      containers:
        - name: orders
          image: {{ include "toolbox.image" (dict "imageRoot" .Values.image "global" .Values.global "chart" .Chart) }}
          {{- if .Values.containerSecurityContext.enabled }}
          securityContext: {{- omit .Values.containerSecurityContext "enabled" | toYaml | nindent 12 }}
          {{- end }}
{{- end -}}
