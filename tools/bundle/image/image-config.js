/** What the container image says about how to run arctun. */

/** The user and group in the image; distroless images use the same number. */
export const USER = 65532;
export const STATE = '/var/lib/arctun';
const PROGRAM = '/usr/bin/arctun';
const SECOND = 1e9;

/** The labels, which are also annotations of the index and of each manifest. */
export function labelsOf({ version, description, license }) {
  return {
    'org.opencontainers.image.title': 'arctun',
    'org.opencontainers.image.description': description,
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': license,
  };
}

/** The settings of a container. `Healthcheck` is Docker's; the OCI reserves the name. */
export function runSettings(labels) {
  return {
    User: `${USER}:${USER}`,
    Env: ['PATH=/usr/bin', 'ARCTUN_CONFIG=/etc/arctun/arc.json', `STATE_DIRECTORY=${STATE}`],
    Entrypoint: [PROGRAM],
    Cmd: ['up'],
    WorkingDir: STATE,
    Volumes: { [STATE]: {} },
    StopSignal: 'SIGTERM',
    Labels: labels,
    Healthcheck: {
      Test: ['CMD', PROGRAM, 'health'],
      Interval: 30 * SECOND,
      Timeout: 5 * SECOND,
      StartPeriod: 30 * SECOND,
      Retries: 3,
    },
  };
}

/**
 * The files of the lower layer, except libraries. Node contains Mozilla's root certificates, so the
 * image has no certificates.
 */
export function baseFiles() {
  const text = (path, content) => ({ path, mode: 0o644, content: Buffer.from(content) });
  const folder = (path, mode = 0o755, owner = 0) => ({ path, mode, owner });
  return [
    text('/etc/passwd', `root:x:0:0::/:/\narctun:x:${USER}:${USER}::${STATE}:/\n`),
    text('/etc/group', `root:x:0:\narctun:x:${USER}:\n`),
    // Without this file, glibc reads /etc/hosts only if no name server answers.
    text('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
    folder('/etc/arctun'),
    folder(STATE, 0o700, USER),
    // A container runtime mounts these, also if the image is read-only.
    ...['/dev', '/proc', '/run', '/sys'].map((path) => folder(path)),
  ];
}

/** The files of the upper layer. */
export function programFiles(executable, documents) {
  const shared = documents.map(({ path, ...rest }) => ({ ...rest, path: `/usr/${path}` }));
  return [{ path: PROGRAM, mode: 0o755, content: executable }, ...shared];
}
