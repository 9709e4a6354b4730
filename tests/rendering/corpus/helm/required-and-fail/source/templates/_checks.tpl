{{- define "guarded.checks" -}}
{{- $messages := list -}}
{{- $messages = append $messages (include "guarded.check.replicas" .) -}}
{{- $messages = append $messages (include "guarded.check.mode" .) -}}
{{- $messages = without $messages "" -}}
{{- if $messages -}}
{{- printf "\nVALUES:\n%s" (join "\n" $messages) | fail -}}
{{- end -}}
{{- end -}}
{{- define "guarded.check.replicas" -}}
{{- if and (eq .Values.mode "cluster") (lt (int .Values.replicas) 3) -}}
a cluster needs three replicas
{{- end -}}
{{- end -}}
{{- define "guarded.check.mode" -}}
{{- if not (has .Values.mode (list "single" "cluster")) -}}
mode must be single or cluster
{{- end -}}
{{- end -}}
