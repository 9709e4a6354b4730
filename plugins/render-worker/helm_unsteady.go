package main

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// Output that is never the same twice would rotate a password at each sync, or restart a workload. A
// chart that reaches a function of this table is rendered a second time, in which each of them gives
// another result if it can: an object that then differs is refused. A chart that reaches one and does
// not show what it gave is as good as any other.

// random functions draw from chance; all of Helm's are here but `derivePassword` and `buildCustomCert`,
// which give the same for the same arguments.
var random = map[string]string{
	"bcrypt":                   "a random salt",
	"encryptAES":               "a random initialization vector",
	"genCA":                    "a new key, serial number and dates",
	"genCAWithKey":             "a new serial number and dates",
	"genPrivateKey":            "a new key",
	"genSelfSignedCert":        "a new key, serial number and dates",
	"genSelfSignedCertWithKey": "a new serial number and dates",
	"genSignedCert":            "a new key, serial number and dates",
	"genSignedCertWithKey":     "a new serial number and dates",
	"htpasswd":                 "a random salt",
	"randAlpha":                "random letters",
	"randAlphaNum":             "random letters and digits",
	"randAscii":                "random characters",
	"randBytes":                "random bytes",
	"randInt":                  "a random number",
	"randNumeric":              "random digits",
	"shuffle":                  "a random order",
	"uuidv4":                   "a random identifier",
}

// clockShift lies between the first and the second rendering: no part of a date or a time stays.
const clockShift = (397*24+5)*time.Hour + 17*time.Minute + 29*time.Second

// redraws bounds how often a function is asked for another result; `randInt 0 1` has no other.
const redraws = 32

// witness stands between the templates and the functions whose result changes.
type witness struct {
	reached     map[string]bool
	drawn       map[string][]string // what the first rendering got, by function
	isSecond    bool
	shift       time.Duration
	calls       map[string]int
	hasLookedUp bool
}

func newWitness() *witness {
	return &witness{reached: map[string]bool{}, drawn: map[string][]string{}, calls: map[string]int{}}
}

// second is the witness of the second rendering.
func (w *witness) second() *witness {
	return &witness{
		reached: map[string]bool{}, drawn: w.drawn, isSecond: true, shift: clockShift, calls: map[string]int{},
	}
}

// functions replace those of the same name in Helm's engine.
func (w *witness) functions() map[string]any {
	given := sprig.TxtFuncMap()
	replaced := map[string]any{}
	for name := range random {
		replaced[name] = w.drawing(name, reflect.ValueOf(given[name]))
	}
	maps.Copy(replaced, w.clockFunctions(given))
	maps.Copy(replaced, orderedFunctions)
	return replaced
}

// drawing calls a random function; in the second rendering until it gives something else.
func (w *witness) drawing(name string, function reflect.Value) any {
	return reflect.MakeFunc(function.Type(), func(arguments []reflect.Value) []reflect.Value {
		w.reached[name] = true
		results := function.Call(arguments)
		number := w.calls[name]
		w.calls[name]++
		if !w.isSecond {
			w.drawn[name] = append(w.drawn[name], showResult(results))
			return results
		}
		for range redraws {
			if number >= len(w.drawn[name]) || showResult(results) != w.drawn[name][number] {
				break
			}
			results = function.Call(arguments)
		}
		return results
	}).Interface()
}

func showResult(results []reflect.Value) string { return fmt.Sprint(results[0].Interface()) }

// clockFunctions read the clock: `now` always, those that format a date when they are given none (a
// text is none), those that tell a distance when they are given one.
func (w *witness) clockFunctions(given map[string]any) map[string]any {
	format := given["dateInZone"].(func(string, any, string) string)
	ago := given["ago"].(func(any) string)
	round := given["durationRound"].(func(any) string)
	inZone := func(name string) func(string, any, string) string {
		return func(layout string, date any, zone string) string {
			return format(layout, w.dateOrNow(name, date), zone)
		}
	}
	return map[string]any{
		"now":            func() time.Time { return w.now("now") },
		"date":           func(layout string, date any) string { return inZone("date")(layout, date, "Local") },
		"dateInZone":     inZone("dateInZone"),
		"date_in_zone":   inZone("date_in_zone"),
		"htmlDate":       func(date any) string { return inZone("htmlDate")("2006-01-02", date, "Local") },
		"htmlDateInZone": func(date any, zone string) string { return inZone("htmlDateInZone")("2006-01-02", date, zone) },
		"ago":            func(date any) string { return ago(w.earlier("ago", date)) },
		"durationRound":  func(distance any) string { return round(w.earlier("durationRound", distance)) },
	}
}

func (w *witness) now(name string) time.Time {
	w.reached[name] = true
	return time.Now().Add(w.shift)
}

func (w *witness) dateOrNow(name string, date any) any {
	switch date.(type) {
	case time.Time, *time.Time, int64, int, int32:
		return date
	}
	return w.now(name)
}

// earlier moves a date back by as much as the clock went on.
func (w *witness) earlier(name string, date any) any {
	isDate := true
	switch point := date.(type) {
	case time.Time:
		date = point.Add(-w.shift)
	case int64:
		isDate = name == "ago" // for durationRound a number is a distance
		if isDate {
			date = point - int64(w.shift/time.Second)
		}
	case int:
		isDate = name == "ago"
		if isDate {
			date = point - int(w.shift/time.Second)
		}
	default:
		isDate = false
	}
	if isDate {
		w.reached[name] = true
	}
	return date
}

// orderedFunctions give a map's keys and values in the order of the keys. Sprig's give them in any
// order, so this is one of the outputs that Helm may print, and always the same.
var orderedFunctions = map[string]any{
	"keys": func(dicts ...map[string]any) []string {
		found := []string{}
		for _, each := range dicts {
			found = append(found, slices.Sorted(maps.Keys(each))...)
		}
		return found
	},
	"values": func(each map[string]any) []any {
		found := []any{}
		for _, key := range slices.Sorted(maps.Keys(each)) {
			found = append(found, each[key])
		}
		return found
	},
}

// steadily renders the chart and refuses objects that are not the same each time.
func (r *helmRender) steadily(allowed budget) ([]rendered, error) {
	first := newWitness()
	objects, err := r.once(first, allowed)
	if err != nil || len(first.reached) == 0 {
		return objects, err
	}
	again, err := r.once(first.second(), allowed)
	if err != nil {
		return nil, err
	}
	for i, object := range objects {
		if i >= len(again) || !reflect.DeepEqual(object, again[i]) && !areOneCreatedOnce(object, again[i]) {
			return nil, r.refuseUnsteady(object, first.reached)
		}
	}
	if len(again) > len(objects) {
		return nil, r.refuseUnsteady(again[len(objects)], first.reached)
	}
	return objects, nil
}

func (r *helmRender) refuseUnsteady(object rendered, reached map[string]bool) *failure {
	file, names := r.mentioning(object.origin, reached)
	return invalidManifest("%s: %s is different each time it is rendered, because %s calls %s",
		object.origin, nameOf(object.value), file, strings.Join(names, ", ")).
		then("give the chart what it makes up as a value, from a Secret that already exists where it can; " +
			"or annotate the object with " + applyAnnotation + ": " + createdOnce)
}

// An object with this annotation is created when it is missing and never changed after that, so what is
// made up in it is sent once, and may be different each time.
const (
	applyAnnotation = "shoal.dev/apply"
	createdOnce     = "IfNotPresent"
)

// areOneCreatedOnce tells whether both renderings are of one object, and of one that is created once.
func areOneCreatedOnce(one, other rendered) bool {
	return isCreatedOnce(one.value) && isCreatedOnce(other.value) && one.origin == other.origin &&
		reflect.DeepEqual(identityOf(one.value), identityOf(other.value))
}

func isCreatedOnce(value any) bool {
	annotations, _ := metadataOf(value)["annotations"].(map[string]any)
	return annotations[applyAnnotation] == createdOnce
}

func identityOf(value any) [4]any {
	object, _ := value.(map[string]any)
	metadata := metadataOf(value)
	return [4]any{object["apiVersion"], object["kind"], metadata["namespace"], metadata["name"]}
}

func metadataOf(value any) map[string]any {
	object, _ := value.(map[string]any)
	metadata, _ := object["metadata"].(map[string]any)
	return metadata
}

// mentioning finds the template that names a function that was reached: the object's own, else the one
// with the named templates, else any.
func (r *helmRender) mentioning(origin string, reached map[string]bool) (file string, names []string) {
	names = slices.Sorted(maps.Keys(reached))
	candidates := [][2]string{}
	for _, each := range r.files {
		name := shown(each.Name)
		if !strings.Contains(name, "templates/") {
			continue
		}
		found := [2]string{name, string(each.Data)}
		if name == origin {
			candidates = slices.Insert(candidates, 0, found)
		} else if strings.HasPrefix(name[strings.LastIndex(name, "/")+1:], "_") {
			candidates = append(candidates, found)
		}
	}
	for _, candidate := range candidates {
		called := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return !regexp.MustCompile(`\b` + name + `\b`).MatchString(candidate[1])
		})
		if len(called) > 0 {
			return candidate[0], called
		}
	}
	return "the chart", names
}

func nameOf(value any) string {
	object, _ := value.(map[string]any)
	kind, _ := object["kind"].(string)
	name, _ := metadataOf(value)["name"].(string)
	if name == "" {
		return "an object of kind " + limited(kind, longestAddress)
	}
	return limited(kind, longestAddress) + "/" + limited(name, longestAddress)
}
