import { BaseCommand } from '../../src/cli/base-command.js';
import { runLambda } from '../../src/cli/run/run-lambda.js';

export default class Lambda extends BaseCommand {
  static override description =
    'Run as an AWS Lambda extension: what the function posts to localhost:8080 goes to the Unified Endpoint. Environment variables set the rest (docs/guides/lambda.md).';
  static override examples = ['<%= config.bin %> <%= command.id %>'];

  async run(): Promise<void> {
    const { flags } = await this.parse(Lambda);
    await runLambda(flags);
  }
}
