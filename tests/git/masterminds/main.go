// Writes answers.json: which versions Masterminds/semver says satisfy which ranges.
//
//	go mod init answers && go get github.com/Masterminds/semver/v3@v3.4.0 && go run . > answers.json
package main

import (
	"encoding/json"
	"os"

	"github.com/Masterminds/semver/v3"
)

var versions = []string{
	"0.0.0", "0.0.1-alpha", "0.0.1", "0.0.2", "0.1.0-rc.1", "0.1.0", "0.1.5", "0.2.0-0", "0.2.0",
	"1.0.0-0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.1", "1.0.0-rc.2", "1.0.0", "1.0.0+build.5",
	"1.0.1-beta", "1.0.1", "1.1.0", "1.2.0-alpha", "1.2.0", "1.2.3-alpha", "1.2.3-alpha.1",
	"1.2.3-beta", "1.2.3", "1.2.4", "1.3.0-0", "1.3.0", "1.10.0", "2.0.0-0", "2.0.0-rc.1", "2.0.0",
	"2.0.1", "2.1.0", "3.0.0-alpha", "3.0.0", "3.4.5", "10.0.0",
}

var ranges = []string{
	"*", "x", "1", "1.x", "1.X.x", "1.*", "v1", "1.2", "1.2.x", "1.2.3", "=1.2.3", "= v1.2.3", "=1.2",
	"!=1.2.3", "!=1.2", "!=1", "!=1.x", ">1.2.3", ">1.2", ">1", ">=1.2.3", ">=1.2", ">=1", ">=v1.x",
	"<1.2.3", "<1.2", "<2", "<=1.2.3", "<=1.2", "<=1", "=>1.2", "=<1.2", "~1.2.3", "~1.2", "~1", "~>1.2",
	"~1.x", "~*", "^1.2.3", "^1.2", "^1", "^0.1.5", "^0.1", "^0.0.1", "^0.0", "^0", ">=1.2 <2",
	">=1.2, <2", ">=1.2,<2", ">= 1.2 , < 2.0.0", ">=1.0.0 <2.0.0 || 3.x", "1.x || >=2.1", "1.2 - 2",
	"1.0.1 - 1.2.3", "1.0 - 2.0 || 3.0.0", ">=1.0.0-0", ">=1.2-0", "^1.2.0-0", "~1.2.3-0", "*-0", "1.x-0",
	"1-0", ">1.0.0-rc.1", ">=1.0.0-rc.1 <1.0.1", "<2.0.0-0", "<=1.2.3-alpha", "=1.2.3-alpha",
	"!=1.2.3-alpha", ">1.0.0-alpha <2 || >3", "1.0.0-alpha - 1.2.3", "^1.0.0 !=1.2.3", ">1 <3 !=2.0.1",
	"1.0.0+build.5", ">=1.0.0+anything", "=1.0.0-rc.1 || ^2.0.0-0", "~0.1", "~0.1.0-0", "^0.1.0-0",
	"^0.0.1-alpha", ">=0.0.0", "<0.1", "10", ">=10 || <0.0.2",
}

func main() {
	answers := map[string][]string{}
	for _, text := range ranges {
		constraint, err := semver.NewConstraint(text)
		if err != nil {
			panic(text + ": " + err.Error())
		}
		admitted := []string{}
		for _, version := range versions {
			if constraint.Check(semver.MustParse(version)) {
				admitted = append(admitted, version)
			}
		}
		answers[text] = admitted
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any{"versions": versions, "answers": answers}); err != nil {
		panic(err)
	}
}
