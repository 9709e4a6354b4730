// Command kubernetes-yaml says how Kubernetes tools read YAML: the original that Shoal's own reader
// is compared with. It reads frames (how, length, text) from standard input until that ends, and
// answers each with a frame (verdict, length, JSON).
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"

	goyaml "go.yaml.in/yaml/v2"
	streams "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// How a text is to be read; the JSON of an answer is the list of its documents that are not empty.
const (
	asStream = 's' // by sigs.k8s.io/yaml, each document that the YAML library finds
	asFile   = 'f' // as kubectl reads a file, which splits it by itself
)

// What became of it.
const (
	isRead    = 'r'
	isDoubled = 'k' // read, but a key is set twice (one that overrides a merged one, too)
	isRefused = 'x' // the frame holds the library's message
)

func main() {
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		how, text, err := readFrame(in)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		verdict, answer := read(how, text)
		if err := writeFrame(out, verdict, answer); err != nil {
			log.Fatal(err)
		}
	}
}

func readFrame(in *bufio.Reader) (byte, []byte, error) {
	how, err := in.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	var size uint32
	if err := binary.Read(in, binary.BigEndian, &size); err != nil {
		return 0, nil, err
	}
	text := make([]byte, size)
	_, err = io.ReadFull(in, text)
	return how, text, err
}

func writeFrame(out *bufio.Writer, verdict byte, answer []byte) error {
	if err := out.WriteByte(verdict); err != nil {
		return err
	}
	if err := binary.Write(out, binary.BigEndian, uint32(len(answer))); err != nil {
		return err
	}
	if _, err := out.Write(answer); err != nil {
		return err
	}
	return out.Flush()
}

func read(how byte, text []byte) (byte, []byte) {
	reading := readStream
	if how == asFile {
		reading = readFile
	}
	values, err := reading(text)
	if errors.Is(err, errSameText) {
		return isDoubled, []byte("[]")
	}
	if err != nil {
		return isRefused, []byte(err.Error())
	}
	answer, err := json.Marshal(values)
	if err != nil {
		log.Fatal(err)
	}
	if how == asStream && hasDoubles(text) {
		return isDoubled, answer
	}
	return isRead, answer
}

// readStream is yaml.YAMLToJSON for all documents, where that one reads the first and stops.
func readStream(text []byte) ([]json.RawMessage, error) {
	first, firstErr := yaml.YAMLToJSON(text)
	values := []json.RawMessage{}
	decoder := goyaml.NewDecoder(bytes.NewReader(text))
	var sameText error
	for number := 0; ; number++ {
		var found any
		err := decoder.Decode(&found)
		if errors.Is(err, io.EOF) {
			return values, errors.Join(firstErr, sameText)
		}
		if err != nil {
			return nil, err
		}
		value, err := asJSON(found)
		if errors.Is(err, errSameText) {
			sameText = err
			continue
		}
		if number == 0 && (!bytes.Equal(value, first) || (err == nil) != (firstErr == nil)) {
			log.Fatalf("sigs.k8s.io/yaml reads %q otherwise: %s, %s", text, first, firstErr)
		}
		if err != nil {
			return nil, err
		}
		if string(value) != "null" {
			values = append(values, value)
		}
	}
}

func asJSON(found any) ([]byte, error) {
	value, err := withTextKeys(found)
	if err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

// withTextKeys is convertToJSONableObject of sigs.k8s.io/yaml, which that does not export.
func withTextKeys(found any) (any, error) {
	var err error
	switch found := found.(type) {
	case map[any]any:
		mapping := make(map[string]any, len(found))
		for key, value := range found {
			name, err := textOf(key)
			if err != nil {
				return nil, err
			}
			if _, isThere := mapping[name]; isThere {
				return nil, errSameText
			}
			if mapping[name], err = withTextKeys(value); err != nil {
				return nil, err
			}
		}
		return mapping, nil
	case []any:
		list := make([]any, len(found))
		for i, value := range found {
			if list[i], err = withTextKeys(value); err != nil {
				return nil, err
			}
		}
		return list, nil
	default:
		return found, nil
	}
}

// errSameText: of 1 and "1" in one mapping the library takes either, as it happens.
var errSameText = errors.New("two keys become the same text")

func textOf(key any) (string, error) {
	switch key := key.(type) {
	case string:
		return key, nil
	case int, int64, bool:
		return fmt.Sprint(key), nil
	case float64:
		switch text := strconv.FormatFloat(key, 'g', -1, 32); text {
		case "+Inf":
			return ".inf", nil
		case "-Inf":
			return "-.inf", nil
		case "NaN":
			return ".nan", nil
		default:
			return text, nil
		}
	default:
		return "", fmt.Errorf("unsupported map key of type %T", key)
	}
}

func hasDoubles(text []byte) bool {
	decoder := goyaml.NewDecoder(bytes.NewReader(text))
	decoder.SetStrict(true)
	for {
		var found any
		if err := decoder.Decode(&found); err != nil {
			return !errors.Is(err, io.EOF)
		}
	}
}

// readFile reads as `kubectl apply --filename` does (resource.StreamVisitor of cli-runtime).
func readFile(text []byte) ([]json.RawMessage, error) {
	values := []json.RawMessage{}
	decoder := streams.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		if trimmed := bytes.TrimSpace(value); len(trimmed) > 0 && string(trimmed) != "null" {
			values = append(values, trimmed)
		}
	}
}
