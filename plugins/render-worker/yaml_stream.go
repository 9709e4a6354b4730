package main

import "bytes"

// A stream of YAML taken apart into documents that remember their lines. A line that begins with `---`
// or `...` before a blank is a marker wherever it stands: YAML forbids it inside of scalars.

type streamPart struct {
	text []byte
	line int // of the text's first line in the file
}

// splitter cuts before each `---`, or before the directives that stand above it. What follows `...` or
// a directive without `---` is no document of its own: it stays where it is, and is refused there.
type splitter struct {
	content  []byte
	parts    []streamPart
	start    int
	line     int // of start
	hasBegun bool
	endedAt  int // where a document ended by `...` or a directive, or 0
	endLine  int
}

func splitStream(content []byte) []streamPart {
	s := splitter{content: content, line: 1}
	for at, line := 0, 1; at < len(content); line++ {
		end := at + lineLength(content[at:])
		text := content[at:end]
		switch {
		case isMarker(text, "---"):
			if s.endedAt > 0 {
				s.cut(s.endedAt, s.endLine)
			} else if s.hasBegun {
				s.cut(at, line)
			}
			s.hasBegun = true
		case isMarker(text, "..."):
			s.endedAt, s.endLine = end, line+1
		case text[0] == '%' && s.hasBegun && s.endedAt == 0:
			s.endedAt, s.endLine = at, line
		case !isBlankOrComment(text) && text[0] != '%':
			s.hasBegun, s.endedAt = true, 0
		}
		at = end
	}
	s.cut(len(content), 0)
	return s.parts
}

func (s *splitter) cut(at, line int) {
	if at > s.start {
		s.parts = append(s.parts, streamPart{s.content[s.start:at], s.line})
	}
	s.start, s.line, s.endedAt = at, line, 0
}

// lineLength is the length of the first line with its end, by the line ends of YAML 1.1.
func lineLength(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\n':
			return i + 1
		case '\r':
			if i+1 < len(text) && text[i+1] == '\n' {
				return i + 2
			}
			return i + 1
		case 0xC2: // U+0085
			if bytes.HasPrefix(text[i:], []byte("\u0085")) {
				return i + 2
			}
		case 0xE2: // U+2028, U+2029
			if bytes.HasPrefix(text[i:], []byte("\u2028")) || bytes.HasPrefix(text[i:], []byte("\u2029")) {
				return i + 3
			}
		}
	}
	return len(text)
}

func isMarker(line []byte, marker string) bool {
	if !bytes.HasPrefix(line, []byte(marker)) {
		return false
	}
	rest := line[len(marker):]
	return len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || lineLength(rest) == len(rest) && isLineEnd(rest)
}

func isLineEnd(text []byte) bool {
	switch string(text) {
	case "\n", "\r", "\r\n", "\u0085", "\u2028", "\u2029":
		return true
	}
	return false
}

func isBlankOrComment(line []byte) bool {
	for len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
		line = line[1:]
	}
	return len(line) == 0 || line[0] == '#' || isLineEnd(line)
}

// contentLine is the line where the document's first value stands.
func (p streamPart) contentLine() int {
	line := p.line
	for text := p.text; len(text) > 0; line++ {
		end := lineLength(text)
		content := text[:end]
		if isMarker(content, "---") {
			content = content[3:]
		}
		if !isBlankOrComment(content) && text[0] != '%' {
			return line
		}
		text = text[end:]
	}
	return p.line
}
