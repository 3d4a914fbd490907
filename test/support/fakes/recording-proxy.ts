/** An HTTP server that forwards everything to another one and records the traffic. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Recorder {
  readonly url: string;
  /** Returns the heads and bodies of all requests and responses so far. */
  traffic(): string;
  close(): Promise<void>;
}

/** @param target `http://host:port` */
export async function startRecorder(target: string): Promise<Recorder> {
  const parts: string[] = [];
  const server = createServer((incoming, response) => {
    void handOn(target, incoming, response, parts);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    traffic: () => parts.join('\n'),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handOn(
  target: string,
  incoming: IncomingMessage,
  response: ServerResponse,
  parts: string[],
): Promise<void> {
  const { method = '', url = '', headers } = incoming;
  const body = await textOf(incoming);
  parts.push(`${method} ${url}`, JSON.stringify(headers), body);
  const outgoing = request(new URL(url, target), { method, headers }, (answer) => {
    let text = '';
    answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    // An incomplete response is cut off for the client as well.
    answer.on('close', () => {
      parts.push(JSON.stringify(answer.headers), text);
      if (answer.complete) response.writeHead(answer.statusCode ?? 502, answer.headers).end(text);
      else response.destroy();
    });
    answer.on('error', () => undefined);
  });
  outgoing.on('error', () => response.destroy());
  outgoing.end(body);
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk as string;
  return text;
}
