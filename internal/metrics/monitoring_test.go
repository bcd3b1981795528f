package metrics

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"go.yaml.in/yaml/v3"

	"odooban/internal/testrequire"
)

// monitoring is where the dashboard and the alerts are.
const monitoring = "../../packaging/monitoring"

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(monitoring, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// alertQueries are the queries of the alerts, by their names.
func alertQueries(t *testing.T) map[string]string {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(read(t, "alerts.yml"), &rules); err != nil {
		t.Fatal(err)
	}
	queries := make(map[string]string)
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			queries[rule.Alert] = rule.Expr
		}
	}
	return queries
}

// panelQueries are the queries of the dashboard, by the titles of its panels.
func panelQueries(t *testing.T) map[string]string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "grafana.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	queries := make(map[string]string)
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries[panel.Title] += " or " + target.Expr
		}
		queries[panel.Title] = strings.TrimPrefix(queries[panel.Title], " or ")
	}
	return queries
}

// TestQueries takes the queries of dashboard and alerts apart: they can be
// read, and every metric and label in them is one of ours.
func TestQueries(t *testing.T) {
	labels := map[string][]string{}
	for _, m := range all {
		labels[m.name] = append([]string{"instance", "job"}, m.labels...)
	}
	asked := make(map[string]bool)
	for place, queries := range map[string]map[string]string{"alerts": alertQueries(t), "dashboard": panelQueries(t)} {
		if len(queries) < 10 {
			t.Errorf("%s has %d queries", place, len(queries))
		}
		for name, query := range queries {
			expr, err := metricsql.Parse(strings.ReplaceAll(query, "$__rate_interval", "5m"))
			if err != nil {
				t.Errorf("%s, %s: %v", place, name, err)
				continue
			}
			metricsql.VisitAll(expr, func(e metricsql.Expr) {
				metric, ok := e.(*metricsql.MetricExpr)
				if !ok {
					return
				}
				asked[checkMetric(t, place+", "+name, metric, labels)] = true
			})
		}
	}
	for _, m := range all {
		if !asked[m.name] {
			t.Errorf("nobody asks for %s", m.name)
		}
	}
}

// checkMetric checks one metric of a query, and returns its name.
func checkMetric(t *testing.T, place string, e *metricsql.MetricExpr, labels map[string][]string) (name string) {
	t.Helper()
	for _, filters := range e.LabelFilterss {
		for _, filter := range filters {
			if filter.Label == "__name__" {
				name = filter.Value
			} else if !slices.Contains(labels[name], filter.Label) {
				t.Errorf("%s: %s has no label %s", place, name, filter.Label)
			}
		}
	}
	if labels[name] == nil {
		t.Errorf("%s: there is no metric %q", place, name)
	}
	return name
}

// TestAlerts lets Prometheus itself say when the alerts come.
func TestAlerts(t *testing.T) {
	promtool := testrequire.Command(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", filepath.Join(monitoring, "alerts.yml")},
		{"test", "rules", "testdata/alerts_test.yml"},
	} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestExposition lets Prometheus itself read what is said.
func TestExposition(t *testing.T) {
	text, _ := scrape(t, attacked().parts())
	cmd := exec.Command(testrequire.Command(t, "promtool"), "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// TestDocumented holds the table in docs/metrics.md against the metrics.
func TestDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		named := "`" + m.name
		if len(m.labels) > 0 {
			named += "{" + strings.Join(m.labels, ", ") + "}"
		}
		if !strings.Contains(string(doc), "| "+named+"` |") {
			t.Errorf("docs/metrics.md lacks %s` and what it is: %s", named, m.help)
		}
	}
}
