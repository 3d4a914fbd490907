/** The package in other projects: its types for each way to resolve modules, and require(). */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import ts from 'typescript';

import { REPOSITORY } from '../support/processes.js';
import { atLength } from '../support/runner/tier.js';

/** A program that names each type and each function, with errors that the types must find. */
const PROGRAM = `
import {
  bootstrap, createArcSession, createTunnel, DialError, getSim, listSims, renewKey, terminateSim,
  TunnelError, UserError, type ApiError, type ArcJson, type BootstrapOptions,
  type BootstrapRescueError, type CreateTunnelOptions, type RenewalOptions, type TcpServer,
  type TcpSocket, type TunnelRenewal, type TunnelStatus, type UdpSocket, type UserspaceTunnel,
  type VirtualSim,
} from 'arctun';
import { request } from 'node:http';

export async function main(): Promise<unknown> {
  const arcJsons: ArcJson[] = [];
  const save = (arcJson: ArcJson) => void arcJsons.push(arcJson);
  const renewal: RenewalOptions = { credentials: { authKeyId: 'a', authKey: 'b' }, save };
  const options: CreateTunnelOptions = { config: 'arc.json', renewal, persistentKeepalive: 0 };
  await using tunnel: UserspaceTunnel = await createTunnel(options);
  tunnel.on('renewed', (change: TunnelRenewal) => change.savedIn?.length);
  tunnel.on('stale', ({ reason, why }) => [reason, why]);
  // @ts-expect-error the tunnel has no such event
  tunnel.on('closed', () => undefined);
  const status: TunnelStatus = await tunnel.status();
  const socket: TcpSocket = tunnel.connect({ host: 'a', port: 1 });
  const server: TcpServer = tunnel.listen({ port: 1 });
  const udp: UdpSocket = tunnel.createUdpSocket();
  request({ agent: tunnel.httpAgent() });
  const response: Response = await tunnel.fetch('http://a/');
  const { simId } = await bootstrap({ save, name: 'x' });
  await bootstrap({ method: 'cellular', path: 'arc.json' });
  // @ts-expect-error neither path nor save
  const none: BootstrapOptions = { name: 'x' };
  // @ts-expect-error both path and save
  const both: BootstrapOptions = { path: 'x', save };
  // @ts-expect-error Krypton needs a file
  const krypton: RenewalOptions = { method: 'cellular', save };
  const sims: readonly VirtualSim[] = (await listSims({ since: new Date() })).sims;
  const done = [await getSim(simId), await createArcSession(simId), await terminateSim(simId)];
  const renewed = await renewKey({ path: 'arc.json' });
  const explain = (error: unknown) => {
    if (error instanceof TunnelError || error instanceof DialError) return error.reason;
    if (!(error instanceof UserError)) return undefined;
    if (error.name === 'ApiError') return (error as ApiError).status;
    return (error as BootstrapRescueError).arcJson?.expose();
  };
  return [status, socket, server, udp, response, none, both, krypton, sims, done, renewed, explain];
}
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-types-'));
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(REPOSITORY, join(folder, 'node_modules/arctun'));
  const types = 'node_modules/@types/node';
  symlinkSync(join(REPOSITORY, types), join(folder, types));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
  writeFileSync(join(folder, 'program.cts'), PROGRAM.replace('await using', 'const'));
  writeFileSync(join(folder, 'program.cjs'), `console.log(Object.keys(require('arctun')).join());`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const { ModuleKind, ModuleResolutionKind } = ts;

const RESOLUTIONS: readonly (readonly [string, string, ts.ModuleKind, ts.ModuleResolutionKind])[] =
  [
    ['nodenext', 'program.ts', ModuleKind.NodeNext, ModuleResolutionKind.NodeNext],
    ['bundler', 'program.ts', ModuleKind.ESNext, ModuleResolutionKind.Bundler],
    ['node16', 'program.ts', ModuleKind.Node16, ModuleResolutionKind.Node16],
    ['nodenext in CommonJS', 'program.cts', ModuleKind.NodeNext, ModuleResolutionKind.NodeNext],
  ];

it.each(RESOLUTIONS.slice(0, atLength({ short: 2, long: 4 })))(
  'has types for %s',
  (_name, file, module, moduleResolution) => {
    const program = ts.createProgram([join(folder, file)], {
      ...{ module, moduleResolution, target: ts.ScriptTarget.ES2022 },
      ...{ lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'], types: ['node'] },
      ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true },
      typeRoots: [join(folder, 'node_modules/@types')],
    });
    const faults = ts.getPreEmitDiagnostics(program).map(({ file: place, messageText }) => {
      return `${place?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
    expect(faults).toEqual([]);
  },
  60_000,
);

it('can be loaded with require()', () => {
  const output = execFileSync(process.execPath, [join(folder, 'program.cjs')], {
    encoding: 'utf8',
  });
  expect(output.trim().split(',')).toEqual([
    ...['DialError', 'TunnelError', 'UserError', 'bootstrap', 'createArcSession', 'createTunnel'],
    ...['getSim', 'listSims', 'renewKey', 'terminateSim'],
  ]);
});
