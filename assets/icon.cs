#:project ../Dino.Ssl/Dino.Ssl.csproj
#:property PublishAot=false
// Draws icon.png, the icon of the packages: dotnet run assets/icon.cs
// A dinosaur as an attention map shows things: one square a patch, brighter where a head looks.
using Dino.Imaging;
using Dino.Imaging.Png;
using Dino.Ssl.Plots;

const int Patch = 8;
// 0 to 9: how much attention a patch gets, in tenths; a dot is background.
string[] patches =
[
    "................",
    "...........789..",
    "..........78398.",
    "..........777788",
    "..........667...",
    "..........66....",
    ".........566....",
    "........5566....",
    "......4555666...",
    ".....445556665..",
    ".4..3444555665..",
    ".33333444555665.",
    "..333344455556..",
    ".....44...55....",
    ".....44...55....",
    "................",
];
Image icon = new(Patch * patches[0].Length, Patch * patches.Length);
for (int y = 0; y < icon.Height; y++)
{
    for (int x = 0; x < icon.Width; x++)
    {
        (int row, int column) = (y / Patch, x / Patch);
        // A little unevenness, as maps have it; a dark line on two sides keeps patches apart.
        double grain = (((row * 7) + (column * 5) + (row * column)) % 4) / 60.0;
        double attention = patches[row][column] is var mark and not '.' ? 0.25 + ((mark - '0') / 12.0) + grain : grain;
        (byte r, byte g, byte b) = ColourMap.Viridis.At(attention);
        double shade = x % Patch == 0 || y % Patch == 0 ? 0.72 : 1;
        (icon.Row(y)[3 * x], icon.Row(y)[(3 * x) + 1], icon.Row(y)[(3 * x) + 2]) = ((byte)(r * shade), (byte)(g * shade), (byte)(b * shade));
    }
}

PngEncoder.Save(icon, Path.Combine(AppContext.GetData("EntryPointFileDirectoryPath") as string ?? "assets", "icon.png"));
