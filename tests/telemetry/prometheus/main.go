// What Prometheus itself makes of what it is given: its own readers of rule files, of expressions
// and of the text format, without a server. `promtool` would say the same and takes ten times as
// long to build, because it brings every kind of service discovery.
//
//	prometheus-reader rules FILE...   the expressions of rule files
//	prometheus-reader expressions     the names of the metrics in a list of expressions
//	prometheus-reader metrics         the series of a page
//
// What is not named is read from standard input, answers are JSON. What is refused ends it with 1 and
// a sentence on standard error.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql/parser"
)

var reader = parser.NewParser(parser.Options{})

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("say what to read: rules, expressions or metrics")
	}
	switch arguments[0] {
	case "rules":
		return rules(arguments[1:])
	case "expressions":
		return expressions(os.Stdin)
	case "metrics":
		return metrics(os.Stdin)
	}
	return fmt.Errorf("%s is none of rules, expressions and metrics", arguments[0])
}

func rules(files []string) error {
	expressions := []string{}
	for _, file := range files {
		groups, problems := rulefmt.ParseFile(file, false, model.UTF8Validation, reader, slog.Default())
		if len(problems) > 0 {
			return errors.Join(problems...)
		}
		for _, group := range groups.Groups {
			for _, rule := range group.Rules {
				expressions = append(expressions, rule.Expr)
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(expressions)
}

// expressions tells of each expression the metrics that it selects.
func expressions(in io.Reader) error {
	given := []string{}
	if err := json.NewDecoder(in).Decode(&given); err != nil {
		return err
	}
	told := map[string][]string{}
	for _, text := range given {
		expression, err := reader.ParseExpr(text)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		names := []string{}
		parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
			if selector, ok := node.(*parser.VectorSelector); ok {
				names = append(names, selector.Name)
			}
			return nil
		})
		told[text] = names
	}
	return json.NewEncoder(os.Stdout).Encode(told)
}

// series is one number of a page, as it was read.
type series struct {
	Labels map[string]string `json:"labels"`
	Value  float64           `json:"value"`
}

func metrics(in io.Reader) error {
	page, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	found := []series{}
	pageReader := textparse.NewPromParser(page, labels.NewSymbolTable(), false)
	for {
		entry, err := pageReader.Next()
		if errors.Is(err, io.EOF) {
			return json.NewEncoder(os.Stdout).Encode(found)
		}
		if err != nil {
			return err
		}
		if entry == textparse.EntrySeries {
			_, _, value := pageReader.Series()
			var named labels.Labels
			pageReader.Labels(&named)
			found = append(found, series{named.Map(), value})
		}
	}
}
