"""The LSTM VAE for text in plain PyTorch, as its authors describe it."""

import torch
from torch import nn

START, END = 1, 2


class Encoder(nn.Module):
  """Sentences to a diagonal Gaussian posterior."""

  def __init__(self, vocab_size: int, embedding_size: int, hidden_size: int,
               latent_dim: int) -> None:
    super().__init__()
    self.embedding = nn.Embedding(vocab_size, embedding_size)
    self.lstm = nn.LSTM(embedding_size, hidden_size, batch_first=True)
    self.posterior = nn.Linear(hidden_size, 2 * latent_dim, bias=False)

  def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log-variance [batch, latent_dim] of ids [batch, words + 2], all of one length."""
    _, (last, _) = self.lstm(self.embedding(ids))
    mean, log_variance = self.posterior(last.squeeze(0)).chunk(2, dim=-1)
    return mean, log_variance


class Decoder(nn.Module):
  """z to the losses of a sentence's tokens; z also joins every word."""

  def __init__(self, vocab_size: int, embedding_size: int, hidden_size: int,
               latent_dim: int) -> None:
    super().__init__()
    self.embedding = nn.Embedding(vocab_size, embedding_size)
    self.dropout_in = nn.Dropout(0.5)
    self.cell_state = nn.Linear(latent_dim, hidden_size, bias=False)
    self.lstm = nn.LSTM(embedding_size + latent_dim, hidden_size, batch_first=True)
    self.dropout_out = nn.Dropout(0.5)
    self.vocabulary = nn.Linear(hidden_size, vocab_size, bias=False)
    self.loss = nn.CrossEntropyLoss(reduction="none")

  def initial_state(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden and cell state [1, batch, hidden_size] of z [batch, latent_dim]."""
    cell = self.cell_state(z).unsqueeze(0)
    return torch.tanh(cell), cell

  def forward(self, ids: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Logits [batch * samples, words + 1, vocab_size].

    Args:
      ids: [batch, words + 1], the sentences without their last symbol.
      z: [batch, samples, latent_dim].
    """
    batch, samples, latent_dim = z.shape
    steps = ids.shape[1]
    words = self.dropout_in(self.embedding(ids))
    words = words.unsqueeze(1).expand(-1, samples, -1, -1).reshape(batch * samples, steps, -1)
    z = z.reshape(batch * samples, latent_dim)
    repeated = z.unsqueeze(1).expand(-1, steps, -1)
    outputs, _ = self.lstm(torch.cat((words, repeated), dim=-1), self.initial_state(z))
    return self.vocabulary(self.dropout_out(outputs))

  def reconstruction(self, ids: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Sums [batch, samples] of the token losses of ids [batch, words + 2], in nats."""
    batch, samples, _ = z.shape
    logits = self(ids[:, :-1], z)
    targets = ids[:, 1:].unsqueeze(1).expand(-1, samples, -1).reshape(-1)
    losses = self.loss(logits.reshape(-1, logits.shape[-1]), targets)
    return losses.reshape(batch, samples, -1).sum(dim=-1)


class TextVAE(nn.Module):
  """Encoder and decoder, with the authors' initial values."""

  def __init__(self, vocab_size: int, embedding_size: int, hidden_size: int,
               latent_dim: int) -> None:
    super().__init__()
    sizes = (vocab_size, embedding_size, hidden_size, latent_dim)
    self.encoder = Encoder(*sizes)
    self.decoder = Decoder(*sizes)
    for parameter in self.parameters():
      nn.init.uniform_(parameter, -0.01, 0.01)
    for part in (self.encoder, self.decoder):
      nn.init.uniform_(part.embedding.weight, -0.1, 0.1)


def beam_search(decoder: Decoder, z: torch.Tensor, width: int,
                max_length: int) -> tuple[list[int], int]:
  """The likeliest sentence found for one z.

  Sentences that reach their end leave the beam, which is narrower from then on.

  Args:
    decoder: in evaluation mode.
    z: [1, latent_dim].
    width: number of sentences searched for.
    max_length: the longest sentence, in tokens.

  Returns:
    The sentence, without its start, and the tokens computed, of all sentences in the beam.
  """
  hidden, cell = decoder.initial_state(z)
  live: list[tuple[float, list[int]]] = [(0.0, [START])]
  done: list[tuple[float, list[int]]] = []
  computed = 0
  for _ in range(max_length):
    computed += len(live)
    last = torch.tensor([[tokens[-1]] for _, tokens in live])
    words = decoder.dropout_in(decoder.embedding(last))
    repeated = z.unsqueeze(1).expand(len(live), -1, -1)
    outputs, (hidden, cell) = decoder.lstm(torch.cat((words, repeated), dim=-1), (hidden, cell))
    logits = decoder.vocabulary(decoder.dropout_out(outputs)).squeeze(1)
    scores = torch.log_softmax(logits, dim=-1) + torch.tensor([[score] for score, _ in live])
    best, places = scores.reshape(-1).topk(width - len(done))
    parents, grown = [], []
    for score, place in zip(best.tolist(), places.tolist()):
      parent, token = divmod(place, logits.shape[-1])
      tokens = live[parent][1] + [token]
      if token == END:
        done.append((score, tokens))
      else:
        parents.append(parent)
        grown.append((score, tokens))
    if not grown:
      break
    live = grown
    hidden, cell = hidden[:, parents].contiguous(), cell[:, parents].contiguous()
  return max(done or live)[1][1:], computed
