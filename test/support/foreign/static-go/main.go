// A program without the C library, such as many command-line tools: it looks up a name with Go's
// own resolver, and prints the response to `GET /` from port 80.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

func main() {
	host := os.Args[1]
	addresses, err := net.LookupHost(host)
	check(err)
	fmt.Println(addresses[0])
	connection, err := net.DialTimeout("tcp", net.JoinHostPort(host, "80"), 10*time.Second)
	check(err)
	check(connection.SetDeadline(time.Now().Add(10 * time.Second)))
	_, err = fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", os.Args[2], host)
	check(err)
	response, err := io.ReadAll(connection)
	check(err)
	head, body, _ := bytes.Cut(response, []byte("\r\n\r\n"))
	status, _, _ := bytes.Cut(head, []byte("\r\n"))
	fmt.Printf("%s\n%d bytes\n", status, len(body))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
