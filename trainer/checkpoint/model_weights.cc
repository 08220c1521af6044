#include "trainer/checkpoint/model_weights.h"

#include <filesystem>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "trainer/checkpoint/directory.h"
#include "trainer/checkpoint/safetensors.h"
#include "trainer/checkpoint/weights_index.h"
#include "trainer/files/mapped_file.h"
#include "trainer/files/printable_name.h"
#include "trainer/torch_file/torch_file.h"

namespace downbeat {
namespace {

namespace fs = std::filesystem;

constexpr char kName[] = "model.safetensors";
constexpr char kIndexName[] = "model.safetensors.index.json";
constexpr char kTorchName[] = "pytorch_model.bin";

std::string path_in(const std::string& directory, const std::string& name) {
  return (fs::path(directory) / name).string();
}

// --- Writing ---

int64_t bytes_of(const at::Tensor& tensor) { return static_cast<int64_t>(tensor.nbytes()); }

// As huggingface_hub divides them: by name, a new one where the next tensor does not fit; one that never fits goes into
// a shard of its own, before that which is being filled.
std::vector<StateDict> shards_of(const StateDict& tensors, int64_t max_shard_size) {
  std::vector<StateDict> shards;
  StateDict shard;
  int64_t size = 0;
  for (const auto& [name, tensor] : tensors) {
    const int64_t bytes = bytes_of(tensor);
    if (bytes > max_shard_size) {
      shards.push_back({{name, tensor}});
      continue;
    }
    if (size + bytes > max_shard_size) {
      shards.push_back(std::exchange(shard, {}));
      size = 0;
    }
    shard[name] = tensor;
    size += bytes;
  }
  if (!shard.empty() || shards.empty()) shards.push_back(std::move(shard));
  return shards;
}

std::string shard_name(std::size_t index, std::size_t count) {
  return absl::StrCat("model-", absl::Dec(index + 1, absl::kZeroPad5), "-of-", absl::Dec(count, absl::kZeroPad5),
                      ".safetensors");
}

absl::Status write_index(const std::vector<StateDict>& shards, const std::map<std::string, std::string>& tied,
                         const std::string& path) {
  int64_t total_size = 0;
  std::vector<std::pair<std::string, std::string>> files;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    for (const auto& [name, tensor] : shards[i]) {
      files.emplace_back(name, shard_name(i, shards.size()));
      total_size += bytes_of(tensor);
    }
  }
  const absl::StatusOr<std::string> text = weights_index_text(total_size, tied, files);
  if (text.ok()) return write_file(path, *text);
  return absl::InvalidArgumentError(absl::StrCat("cannot write ", path, ": ", std::string(text.status().message())));
}

// What an earlier call left: it would be taken for a part of the model, or in place of it.
absl::Status delete_others(const std::string& directory, const std::set<std::string>& written) {
  static const std::regex kOurs(R"(model(-\d{5,}-of-\d{5,})?\.safetensors(\.index\.json)?)");
  std::error_code error;
  std::vector<fs::path> others;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (written.count(name) == 0 && std::regex_match(name, kOurs)) others.push_back(entry.path());
  }
  for (const fs::path& path : others) {
    fs::remove(path, error);
    if (error) return absl::UnavailableError(absl::StrCat("cannot delete ", path.string(), ": ", error.message()));
  }
  return absl::OkStatus();
}

// --- Reading ---

absl::StatusOr<StateDict> load_shards(const std::string& index_path, const std::string& directory) {
  const absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open(index_path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<WeightsIndex> index = parse_weights_index((*file)->bytes(), index_path);
  if (!index.ok()) return index.status();
  std::map<std::string, std::vector<std::string>> names_of;
  for (const auto& [name, shard] : index->files) names_of[shard].push_back(name);
  StateDict tensors;
  for (const auto& [shard, names] : names_of) {
    const std::string path = path_in(directory, shard);
    const absl::StatusOr<StateDict> part = load_safetensors(path);
    if (!part.ok()) return part.status();
    for (const std::string& name : names) {
      const auto found = part->find(name);
      if (found == part->end()) {
        return absl::DataLossError(
            absl::StrCat(index_path, " is damaged: ", path, " does not hold ", printable_name(name)));
      }
      tensors.insert(*found);
    }
  }
  return tensors;
}

absl::StatusOr<StateDict> load_torch_weights(const std::string& path) {
  const absl::StatusOr<PythonValue> value = load_torch_file(path);
  if (!value.ok()) return value.status();
  const auto* dict = std::get_if<PythonDict>(&*value);
  if (!dict) {
    return absl::UnimplementedError(absl::StrCat("cannot read ", path, ": it holds no dict but ", python_type(*value)));
  }
  StateDict tensors;
  for (const auto& [key, item] : dict->items()) {
    const auto* name = std::get_if<std::string>(&key);
    const auto* tensor = std::get_if<at::Tensor>(&item);
    if (!name || !tensor) {
      return absl::UnimplementedError(absl::StrCat("cannot read ", path, ": it maps ", python_type(key), " to ",
                                                   python_type(item), ", but weights map str to Tensor"));
    }
    tensors[*name] = *tensor;
  }
  return tensors;
}

}  // namespace

absl::Status save_weights(const StateDict& tensors, const std::string& directory, int64_t max_shard_size) {
  if (max_shard_size <= 0) {
    return absl::InvalidArgumentError(absl::StrCat("max_shard_size is ", max_shard_size, ", but it must be above 0"));
  }
  const std::map<std::string, std::string> tied = tied_names(tensors);
  StateDict untied = tensors;
  for (const auto& item : tied) untied.erase(item.first);
  const std::vector<StateDict> shards = shards_of(untied, max_shard_size);
  if (shards.size() == 1) {
    const absl::Status status = save_safetensors(untied, path_in(directory, kName), tied);
    return status.ok() ? delete_others(directory, {kName}) : status;
  }
  std::set<std::string> written = {kIndexName};
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i, shards.size());
    if (absl::Status status = save_safetensors(shards[i], path_in(directory, name)); !status.ok()) return status;
    written.insert(name);
  }
  const absl::Status status = write_index(shards, tied, path_in(directory, kIndexName));
  return status.ok() ? delete_others(directory, written) : status;
}

std::string weights_file(const std::string& directory) {
  for (const char* name : {kName, kIndexName, kTorchName}) {
    std::error_code ignored;
    if (fs::exists(path_in(directory, name), ignored)) return path_in(directory, name);
  }
  return path_in(directory, kName);
}

absl::StatusOr<StateDict> load_weights(const std::string& directory) {
  const std::string path = weights_file(directory);
  if (absl::EndsWith(path, kIndexName)) return load_shards(path, directory);
  return absl::EndsWith(path, kTorchName) ? load_torch_weights(path) : load_safetensors(path);
}

}  // namespace downbeat
