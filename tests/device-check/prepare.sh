#!/usr/bin/env bash
# Makes a folder that checks a device on a machine without .NET: packages of the models (a) to (d), and a program that needs nothing else.
#   tests/device-check/prepare.sh cuda DIR                      for a GPU of NVIDIA
#   tests/device-check/prepare.sh webgpu DIR LIBRARY VERSION    for the WebGPU provider of a build of ONNX Runtime of one's own
# Then copy DIR there, and run DIR/run.sh. WebGPU is often software: its packages have two images per step.
set -euo pipefail
cd "$(dirname "$0")/../.."

device=${1:?cuda or webgpu}
target=$(realpath -m "${2:?a folder}")
case $device in
  cuda) build=(-p:Gpu=true) batch=0 arguments="--seconds 4 --steps 10" ;;
  webgpu) build=(-p:OnnxRuntimeLibrary="$(realpath "${3:?the library}")" -p:OnnxRuntimeVersion="${4:?its version}") batch=2 arguments="--seconds 0 --steps 3" ;;
  *) echo "expected cuda or webgpu, not '$device'" >&2; exit 2 ;;
esac

dotnet run -c Release --project tests/OnnxVae.Benchmarks -- packages --for "$device" --batch "$batch" --out "$target/packages"
dotnet publish tests/device-check -c Release --self-contained true "${build[@]}" --output "$target/program"

cat > "$target/run.sh" <<EOF
#!/usr/bin/env bash
# Writes results.json; further arguments go to the program.
set -euo pipefail
cd "\$(dirname "\$0")"
./program/device-check packages --device $device $arguments --out results.json "\$@"
cat results.json
EOF
chmod +x "$target/run.sh"
du -sh "$target"
