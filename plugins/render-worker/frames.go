package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"sync"
)

// Frames are how the worker and the controller speak: two lengths (u32, big endian), a JSON header
// and a body of bytes. A frame that is too long ends the process: whoever sends it is not our
// controller, or is not well.

const (
	longestHeader = 16 << 20
	longestBody   = 256 << 20
)

type frame struct {
	header []byte
	body   []byte
}

// pipes is the one connection to the controller. Requests and answers arrive on `incoming`.
type pipes struct {
	incoming chan frame
	writing  sync.Mutex
	out      *bufio.Writer
}

func newPipes(in io.Reader, out io.Writer) *pipes {
	made := &pipes{incoming: make(chan frame), out: bufio.NewWriterSize(out, 64<<10)}
	go made.readFrames(bufio.NewReaderSize(in, 64<<10))
	return made
}

// readFrames ends the process when the controller is gone: nobody waits for a result any more.
func (p *pipes) readFrames(in io.Reader) {
	for {
		received, err := readFrame(in)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			os.Exit(0)
		}
		if err != nil {
			os.Exit(1)
		}
		p.incoming <- received
	}
}

func readFrame(in io.Reader) (frame, error) {
	var lengths [8]byte
	if _, err := io.ReadFull(in, lengths[:]); err != nil {
		return frame{}, err
	}
	headerLength := binary.BigEndian.Uint32(lengths[:4])
	bodyLength := binary.BigEndian.Uint32(lengths[4:])
	if headerLength > longestHeader || bodyLength > longestBody {
		return frame{}, io.ErrShortBuffer
	}
	received := frame{make([]byte, headerLength), make([]byte, bodyLength)}
	if _, err := io.ReadFull(in, received.header); err != nil {
		return frame{}, err
	}
	_, err := io.ReadFull(in, received.body)
	return received, err
}

// send writes a whole frame at once. A controller that is gone ends the process.
func (p *pipes) send(header any, body []byte) {
	p.writing.Lock()
	defer p.writing.Unlock()
	text := encodeJSON(header)
	var lengths [8]byte
	binary.BigEndian.PutUint32(lengths[:4], uint32(len(text)))
	binary.BigEndian.PutUint32(lengths[4:], uint32(len(body)))
	p.out.Write(lengths[:])
	p.out.Write(text)
	p.out.Write(body)
	if p.out.Flush() != nil {
		os.Exit(0)
	}
}

// encodeJSON writes a value of ours, with `<`, `>` and `&` as they are.
func encodeJSON(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}
