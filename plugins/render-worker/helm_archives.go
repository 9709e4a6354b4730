package main

import (
	"bytes"
	"regexp"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
)

// Packed charts in `charts/` are unpacked before Helm loads anything, because Helm's own unpacking has
// a bound per archive only: archives in archives could grow without end, and there are archives that
// hold themselves.

const (
	mostNested = 10
	// unpackedMark keeps the loader from taking an unpacked folder for the archive it came from.
	unpackedMark = "+unpacked"
)

var packedChart = regexp.MustCompile(`^(?:charts/[^/]+/)*charts/[^/_.][^/]*\.tgz$`)

func unpackArchives(files chartFiles, allowed budget) (chartFiles, error) {
	left := allowed.ReadBytes
	for range mostNested {
		next := make(chartFiles, 0, len(files))
		for _, file := range files {
			if !packedChart.MatchString(file.Name) {
				next = append(next, file)
				continue
			}
			unpacked, err := unpack(file, left)
			if err != nil {
				return nil, err
			}
			for _, each := range unpacked {
				left -= int64(len(each.Data))
			}
			next = append(next, unpacked...)
			if len(next) > allowed.Files {
				return nil, budgetExceeded("%s: more than %d files in one chart", shown(file.Name), allowed.Files)
			}
		}
		if len(next) == len(files) && !hasPacked(next) {
			return files, nil
		}
		files = next
	}
	if hasPacked(files) {
		return nil, budgetExceeded("charts/: charts are packed into charts more than %d levels deep", mostNested)
	}
	return files, nil
}

func unpack(file *archive.BufferedFile, left int64) (chartFiles, error) {
	archive.MaxDecompressedChartSize = left
	unpacked, err := archive.LoadArchiveFiles(bytes.NewReader(file.Data))
	if err != nil {
		if bytes.Contains([]byte(err.Error()), []byte("larger than the maximum size")) {
			return nil, budgetExceeded("%s: the chart unpacks to more bytes than a render may read", shown(file.Name))
		}
		return nil, invalidManifest("%s: not a packed chart: %s", shown(file.Name), oneSentence(err.Error()))
	}
	for _, each := range unpacked {
		each.Name = file.Name + unpackedMark + "/" + each.Name
	}
	return unpacked, nil
}

func hasPacked(files chartFiles) bool {
	for _, file := range files {
		if packedChart.MatchString(file.Name) {
			return true
		}
	}
	return false
}

func shown(name string) string {
	return string(bytes.ReplaceAll([]byte(name), []byte(unpackedMark), nil))
}
