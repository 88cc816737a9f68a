package analysis

import (
	"context"
	"net/http"

	"github.com/stratbench/stratbench/experiments/workload/internal/api"
	"github.com/stratbench/stratbench/experiments/workload/internal/serve"
)

// Handler serves the engine.
func Handler(engine *Engine) http.Handler {
	mux := http.NewServeMux()
	// The rules are compiled before the first request, so a service that answers is ready.
	serve.Health(mux, func(context.Context) error { return nil })
	mux.HandleFunc("GET /v1/rules", func(w http.ResponseWriter, _ *http.Request) {
		serve.JSON(w, http.StatusOK, engine.Rules())
	})
	mux.HandleFunc("POST /v1/analyses", engine.serveAnalysis)
	mux.HandleFunc("POST /v1/expressions", engine.serveExpression)
	return mux
}

func (e *Engine) serveAnalysis(w http.ResponseWriter, r *http.Request) {
	var incident api.Incident
	if !serve.Decode(w, r, &incident) {
		return
	}
	if err := incident.Validate(); err != nil {
		serve.Refuse(w, http.StatusUnprocessableEntity, err)
		return
	}
	verdict, err := e.Judge(incident)
	if err != nil {
		serve.Refuse(w, http.StatusInternalServerError, err)
		return
	}
	serve.JSON(w, http.StatusOK, verdict)
}

func (e *Engine) serveExpression(w http.ResponseWriter, r *http.Request) {
	var request api.Expression
	if !serve.Decode(w, r, &request) {
		return
	}
	checked, err := e.Check(request.Expression)
	if err != nil {
		serve.Refuse(w, http.StatusUnprocessableEntity, err)
		return
	}
	serve.JSON(w, http.StatusOK, checked)
}
