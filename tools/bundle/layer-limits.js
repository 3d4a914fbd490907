/**
 * Size limits of the published files in bytes. Lambda accepts direct uploads of 50 MB (zip), and
 * 250 MB unzipped for a function with all its layers.
 */
export const LIMITS = {
  'arctun-lambda-x86_64.zip': 45e6,
  'arctun-lambda-arm64.zip': 45e6,
  'arctun-lambda-nodejs.zip': 2e6,
  'arctun-linux-x64': 120e6,
  'arctun-linux-arm64': 120e6,
  'arctun.tar': 100e6,
};
