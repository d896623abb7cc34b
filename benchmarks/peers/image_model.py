"""The ResNet / PixelCNN VAE for images in plain PyTorch, as its authors describe it."""

import torch
from torch import nn

CHANNELS = 64
LATENT_MAPS = 4
# Of the first layer and the 12 blocks; the shortcut at j has the kernel of layer j + 1.
KERNELS = (7, 7, 7, 7, 7, 5, 5, 5, 5, 3, 3, 3, 3)
SHORTCUTS = 11


def he_normal(conv: nn.Conv2d) -> nn.Conv2d:
  """Gives a convolution its initial weights, He normal by outputs."""
  height, width = conv.kernel_size
  nn.init.normal_(conv.weight, 0.0, (2.0 / (height * width * conv.out_channels)) ** 0.5)
  return conv


class ResidualBlock(nn.Module):
  """Halves height and width."""

  def __init__(self, in_channels: int) -> None:
    super().__init__()
    self.body = nn.Sequential(
        he_normal(nn.Conv2d(in_channels, CHANNELS, 3, stride=2, padding=1, bias=False)),
        nn.BatchNorm2d(CHANNELS),
        nn.ELU(),
        he_normal(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)),
        nn.BatchNorm2d(CHANNELS))
    self.shortcut = nn.Sequential(
        he_normal(nn.Conv2d(in_channels, CHANNELS, 1, stride=2, bias=False)),
        nn.BatchNorm2d(CHANNELS))
    self.activation = nn.ELU()

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """[batch, in_channels, side, side] to [batch, CHANNELS, side / 2, side / 2], rounded up."""
    return self.activation(self.body(x) + self.shortcut(x))


class Encoder(nn.Module):
  """Images to a diagonal Gaussian posterior."""

  def __init__(self, side: int, latent_dim: int) -> None:
    super().__init__()
    remaining = (side + 7) // 8
    self.features = nn.Sequential(
        ResidualBlock(1),
        ResidualBlock(CHANNELS),
        ResidualBlock(CHANNELS),
        he_normal(nn.Conv2d(CHANNELS, 512, remaining, bias=False)),
        nn.BatchNorm2d(512),
        nn.ELU())
    self.posterior = nn.Linear(512, 2 * latent_dim)
    nn.init.xavier_uniform_(self.posterior.weight)
    nn.init.zeros_(self.posterior.bias)

  def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and log-variance [batch, latent_dim] of images [batch, 1, side, side]."""
    mean, log_variance = self.posterior(self.features(images).flatten(1)).chunk(2, dim=-1)
    return mean, log_variance


class MaskedConv2d(nn.Conv2d):
  """A convolution that sees what comes before a pixel in raster order.

  Args:
    masked: how many of the first input channels the mask acts on.
    sees_itself: whether these channels are seen at the pixel itself too.
  """

  mask: torch.Tensor

  def __init__(self, in_channels: int, out_channels: int, kernel: int, masked: int,
               sees_itself: bool) -> None:
    super().__init__(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
    middle = kernel // 2
    mask = torch.ones_like(self.weight)
    mask[:, :masked, middle, middle + int(sees_itself):] = 0
    mask[:, :masked, middle + 1:] = 0
    self.register_buffer("mask", mask)
    he_normal(self)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """[batch, in_channels, side, side] to [batch, out_channels, side, side]."""
    # On the stored weights, not in the graph, as the authors do.
    self.weight.data.mul_(self.mask)
    return super().forward(x)


class Block(nn.Module):
  """A residual block of the decoder."""

  def __init__(self, kernel: int) -> None:
    super().__init__()
    half = CHANNELS // 2
    self.body = nn.Sequential(
        he_normal(nn.Conv2d(CHANNELS, half, 1, bias=False)),
        nn.BatchNorm2d(half),
        nn.ELU(),
        MaskedConv2d(half, half, kernel, masked=half, sees_itself=True),
        nn.BatchNorm2d(half),
        nn.ELU(),
        he_normal(nn.Conv2d(half, CHANNELS, 1, bias=False)),
        nn.BatchNorm2d(CHANNELS))
    self.activation = nn.ELU()

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    """[batch, CHANNELS, side, side] to the same."""
    return self.activation(self.body(x) + x)


class Decoder(nn.Module):
  """z and the pixels before each one to its probability."""

  def __init__(self, side: int, latent_dim: int) -> None:
    super().__init__()
    self.side = side
    self.latent_maps = nn.Linear(latent_dim, LATENT_MAPS * side * side)
    nn.init.xavier_uniform_(self.latent_maps.weight)
    nn.init.zeros_(self.latent_maps.bias)
    first = nn.Sequential(
        MaskedConv2d(1 + LATENT_MAPS, CHANNELS, KERNELS[0], masked=1, sees_itself=False),
        nn.BatchNorm2d(CHANNELS),
        nn.ELU())
    self.layers = nn.ModuleList([first, *(Block(kernel) for kernel in KERNELS[1:])])
    self.shortcuts = nn.ModuleList([Block(KERNELS[j + 1]) for j in range(SHORTCUTS)])
    self.head = nn.Sequential(
        nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False),
        nn.BatchNorm2d(CHANNELS),
        nn.ELU(),
        nn.Conv2d(CHANNELS, 1, 1, bias=False),
        nn.Sigmoid())

  def maps(self, z: torch.Tensor) -> torch.Tensor:
    """[batch, latent_dim] to [batch, LATENT_MAPS, side, side]."""
    return self.latent_maps(z).reshape(-1, LATENT_MAPS, self.side, self.side)

  def forward(self, images: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Probabilities [batch, 1, side, side] of ones in images of that shape."""
    outputs: list[torch.Tensor] = []
    x = torch.cat((images, maps), dim=1)
    for number, layer in enumerate(self.layers):
      if number >= 3:
        x = x + self.shortcuts[number - 3](outputs[number - 3])
      x = layer(x)
      outputs.append(x)
    return self.head(x + self.shortcuts[10](outputs[10]))

  def reconstruction(self, images: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropies [batch, samples], in nats, of z [batch, samples, latent_dim]."""
    batch, samples, latent_dim = z.shape
    repeated = images.unsqueeze(1).expand(-1, samples, -1, -1, -1).reshape(-1, *images.shape[1:])
    p = self(repeated, self.maps(z.reshape(-1, latent_dim)))
    log_likelihood = (repeated * torch.log(p + 1e-12)
                      + (1.0 - repeated) * torch.log(1.0 - p + 1e-12))
    return -log_likelihood.reshape(batch, samples, -1).sum(dim=-1)


class ImageVAE(nn.Module):
  """Encoder and decoder of square binary images."""

  def __init__(self, side: int, latent_dim: int) -> None:
    super().__init__()
    self.encoder = Encoder(side, latent_dim)
    self.decoder = Decoder(side, latent_dim)
